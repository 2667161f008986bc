"""Which errors of the database another attempt may cure."""

from typing import Final

from psycopg2 import errorcodes

# Classes of SQLSTATE: connection (08), transaction rollback (40), resources (53), operator intervention (57), lock not
# available (55), system error (58).
_TRANSIENT_CLASSES: Final = ("08", "40", "53", "55", "57", "58")

# A lock timeout or a deadlock has rolled the transaction back.
LOCK_TROUBLE: Final = (errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED)


def sqlstate_of(error: BaseException) -> str:
    """The SQLSTATE of an error of psycopg2, also within SQLAlchemy's; errors of libpq itself are of the connection."""
    original = getattr(error, "orig", None) or error
    return str(getattr(original, "pgcode", None) or errorcodes.CLASS_CONNECTION_EXCEPTION)


def is_transient(state: str) -> bool:
    """Whether another attempt may succeed."""
    return state[:2] in _TRANSIENT_CLASSES
