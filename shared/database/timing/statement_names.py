"""What a statement is called in logs: after the function that makes it, otherwise after the one that sends it.

search.titles.popular             made by `popular` in `shared/database/queries/search/titles.py`
database.state_machine.cancel     text beside the function that sends it, as for all changes of state
"""

import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
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
# How many different statements of one function are kept: each with other first ids of leaves without an index.
_MOST_KEPT: Final = 64


def named(make: Callable[P, S]) -> Callable[P, S]:
    """For each function of `shared.database.queries` that makes a statement: the statement gets its name."""
    name = f"{make.__module__.removeprefix(_QUERIES)}.{make.__name__.lstrip('_')}"

    @wraps(make)
    def make_named(*args: P.args, **kwargs: P.kwargs) -> S:
        return make(*args, **kwargs).execution_options(statement_name=name)

    return make_named


def made_once(make: Callable[P, S]) -> Callable[P, S]:
    """The same for a function whose arguments, all hashable, decide on the form of the statement only.

    Values are parameters of it. To make a statement takes longer than to run one that reads a few rows, so it is kept.
    """
    kept = lru_cache(_MOST_KEPT)(named(make))

    @wraps(make)
    def make_once(*args: P.args, **kwargs: P.kwargs) -> S:
        return kept(*args, **kwargs)  # type: ignore[arg-type]  # hashable, which no signature can say

    return make_once


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
