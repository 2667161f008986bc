"""What can go wrong with local services, in words for the person who started them."""


class StackError(Exception):
    """A service cannot be started; the message says why and what would help."""


class Interrupted(Exception):
    """Somebody asked to stop while services were still starting."""
