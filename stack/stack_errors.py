"""Errors of the local services, with messages for the person who started them."""


class StackError(Exception):
    """A service cannot start. The message says why, and what would help."""


class Interrupted(Exception):
    """The user asked to stop while services were still starting."""
