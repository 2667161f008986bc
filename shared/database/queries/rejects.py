"""Rejects of one upload: in the order of the file, and grouped by column and code."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from shared.database.models import Reject
from shared.database.timing.statement_names import named, planner_setting

SAMPLES_PER_GROUP: Final = 3
SAMPLED_ROWS: Final = 10_000

# For `rejected_records_behind`, in its transaction. Right after a load there are no statistics, and for each block the
# planner would rather sort the rest of a million rows than follow the key.
FOLLOW_THE_KEY: Final = planner_setting("SET LOCAL enable_sort = off")


@dataclass(frozen=True)
class RejectFilter:
    """Which rejects; None means any."""

    upload_number: int
    column: str | None = None
    code: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as WHERE conditions."""
        return [Reject.upload_number == self.upload_number, *self.of_reason()]

    def of_reason(self) -> list[ColumnElement[bool]]:
        """The conditions on a reason."""
        conditions: list[ColumnElement[bool]] = []
        if self.column is not None:
            conditions.append(Reject.column_name == self.column)
        if self.code is not None:
            conditions.append(Reject.code == self.code)
        return conditions


@named
def rejects_in_file_order(wanted: RejectFilter) -> Select[int, str | None, str, str, str | None]:
    """Rows of `line_number`, `column`, `code`, `message`, `value`, in the primary key's order, so nothing is sorted."""
    return (
        select(
            Reject.line_number,
            Reject.column_name.label("column"),
            Reject.code,
            Reject.message,
            Reject.value,
        )
        .where(*wanted.conditions())
        .order_by(Reject.upload_number, Reject.line_number, Reject.position)
    )


@named
def rejected_records_behind(wanted: RejectFilter, line_number: int) -> Select[Any]:
    """Records after this line with all their reasons, if one of the reasons matches.

    Rows of `line_number`, the location `byte_start` and `byte_end`, and the lists `columns`, `codes`, `messages` and
    `values`, in the order of the file. Starting after a line, a caller can read on without holding a connection.
    """

    def listed(column: Any) -> Any:
        return func.array_agg(aggregate_order_by(column, Reject.position))

    return (
        select(
            Reject.line_number,
            func.min(Reject.byte_start).label("byte_start"),
            func.max(Reject.byte_end).label("byte_end"),
            listed(Reject.column_name).label("columns"),
            listed(Reject.code).label("codes"),
            listed(Reject.message).label("messages"),
            listed(Reject.value).label("values"),
        )
        .where(Reject.upload_number == wanted.upload_number, Reject.line_number > line_number)
        .group_by(Reject.line_number)
        .having(func.bool_or(and_(true(), *wanted.of_reason())))
        .order_by(Reject.line_number)
    )


@named
def reject_groups(wanted: RejectFilter) -> Select[str | None, str, int, int]:
    """Rows of `column`, `code`, `count` and `first_line`, the largest first; the counts add up to the total."""
    count = func.count().label("count")
    return (
        select(Reject.column_name.label("column"), Reject.code, count, func.min(Reject.line_number).label("first_line"))
        .where(*wanted.conditions())
        .group_by(Reject.column_name, Reject.code)
        .order_by(count.desc(), Reject.column_name, Reject.code)
    )


@named
def first_samples(wanted: RejectFilter) -> Select[str | None, str, int, str | None]:
    """Rows of `column`, `code`, `line_number`, `value`: the first few of each group among the first `SAMPLED_ROWS`.

    Finding the first few of each group among all rejects would mean sorting them all: 3 s for a million.
    """
    head = rejects_in_file_order(wanted).limit(SAMPLED_ROWS).subquery("head")
    rank = func.row_number().over(partition_by=(head.c.column, head.c.code), order_by=head.c.line_number)
    ranked = select(head.c.column, head.c.code, head.c.line_number, head.c.value, rank.label("rank")).subquery("ranked")
    return (
        select(ranked.c.column, ranked.c.code, ranked.c.line_number, ranked.c.value)
        .where(ranked.c.rank <= SAMPLES_PER_GROUP)
        .order_by(ranked.c.line_number)
    )


@named
def samples_at(wanted: RejectFilter, lines: Collection[int]) -> Select[str | None, str, int, str | None]:
    """The same for groups that begin later: all rejects at these lines."""
    return (
        select(Reject.column_name.label("column"), Reject.code, Reject.line_number, Reject.value)
        .where(*wanted.conditions(), Reject.line_number.in_(lines))
        .order_by(Reject.line_number, Reject.position)
    )
