"""Tracebacks that quote no contents of rows: the lines and types of errors, and messages only if they hold no values.

The error of a database contains the whole row in its DETAIL, and the error of a conversion the text that it could not
convert.
"""

import traceback
from types import TracebackType
from typing import Any, Final

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# The messages of these errors quote what could not be converted, decoded or found.
_QUOTING: Final = (ValueError, LookupError)
# SQLSTATE class 22, "data exception": even the first line quotes the value.
_DATA_EXCEPTION: Final = "22"


def without_values(exc_info: ExceptionInfo) -> str:
    """The error with its causes, the first cause first, as Python prints them; a formatter for structlog."""
    parts = []
    for error in chain_of(exc_info[1]):
        lines = traceback.format_tb(error.__traceback__)
        parts.append("".join(["Traceback (most recent call last):\n", *lines, _named(error)]))
    return "\n\n".join(parts)


def chain_of(error: BaseException) -> list[BaseException]:
    """The error and what caused it, the first cause first."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None:
        chain.insert(0, following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return chain


def _named(error: BaseException) -> str:
    kind, message = f"{type(error).__module__}.{type(error).__qualname__}", safe_message(error)
    return f"{kind}: {message}" if message else kind


def safe_message(error: BaseException) -> str:
    """The error's message on one line, as far as it quotes no value; "" if it may quote one."""
    # SQLAlchemy wraps the driver's error; psycopg2 calls the SQLSTATE pgcode, asyncpg calls it sqlstate.
    original: Any = getattr(error, "orig", None) or error
    state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
    if state is None:
        message = "" if isinstance(error, _QUOTING) else str(error)
    elif str(state).startswith(_DATA_EXCEPTION):
        message = f"SQLSTATE {state}"
    else:  # DETAIL and CONTEXT follow the first line
        message = f"SQLSTATE {state}: {str(original).partition(chr(10))[0]}"
    return " ".join(message.split())  # a message of several lines could look like lines of the log
