"""What a statement is called in logs: after the function that makes it, otherwise after the one that sends it.

search.titles.popular             made by `popular` in `shared/database/queries/search/titles.py`
database.state_machine.cancel     text beside the function that sends it, as for all changes of state
"""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from types import FrameType
from typing import Final, ParamSpec, TypeVar

from greenlet import getcurrent
from sqlalchemy import TextClause, text
from sqlalchemy.sql.base import Executable

P = ParamSpec("P")
S = TypeVar("S", bound=Executable)

_QUERIES: Final = "shared.database.queries."
_OURS: Final = ("api.", "cli.", "shared.")
# Modules that send what others have written.
_CARRIERS: Final = ("shared.database.engine", "shared.database.timing.")


def named(make: Callable[P, S]) -> Callable[P, S]:
    """For each function of `shared.database.queries` that makes a statement: the statement gets its name."""
    name = f"{make.__module__.removeprefix(_QUERIES)}.{make.__name__.lstrip('_')}"

    @wraps(make)
    def make_named(*args: P.args, **kwargs: P.kwargs) -> S:
        return make(*args, **kwargs).execution_options(statement_name=name)

    return make_named


def planner_setting(sql: str) -> TextClause:
    """A statement that changes how later ones of its transaction are planned, so their plans are shown with it, too."""
    return text(sql).execution_options(is_planner_setting=True)


def sent_by() -> str:
    """The function of ours that is sending a statement."""
    for frame in _callers():
        module: str = frame.f_globals["__name__"]
        if module.startswith(_OURS) and not module.startswith(_CARRIERS):
            return f"{module.partition('.')[2]}.{frame.f_code.co_qualname}"
    return "unknown"


def _callers() -> Iterator[FrameType]:
    """The frames from here outwards. SQLAlchemy's asyncio has a greenlet for each call, whose parent awaits it."""
    parent = getcurrent().parent
    for innermost in (inspect.currentframe(), parent and parent.gr_frame):
        frame = innermost
        while frame is not None:
            yield frame
            frame = frame.f_back
