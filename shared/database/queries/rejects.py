"""Rejects of one upload: in the order of the file, and grouped by column and code."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from shared.database.models import Reject

SAMPLES_PER_GROUP: Final = 3
SAMPLED_ROWS: Final = 10_000


@dataclass(frozen=True)
class RejectFilter:
    """Which rejects; None leaves a filter out."""

    upload_number: int
    column: str | None = None
    code: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As WHERE conditions."""
        conditions = [Reject.upload_number == self.upload_number]
        if self.column is not None:
            conditions.append(Reject.column_name == self.column)
        if self.code is not None:
            conditions.append(Reject.code == self.code)
        return conditions


def rejects_in_file_order(wanted: RejectFilter) -> Select[int, str | None, str, str, str | None]:
    """Rows of `line_number`, `column`, `code`, `message`, `value`: the primary key's order, so nothing is sorted."""
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


def rejects_behind(
    wanted: RejectFilter, line_number: int, position: int
) -> Select[int, str | None, str, str, str | None, int]:
    """The same rows with their `position`, from behind this place on: to read on without holding a connection."""
    here = tuple_(Reject.line_number, Reject.position)
    return rejects_in_file_order(wanted).add_columns(Reject.position).where(here > tuple_(line_number, position))


def reject_groups(wanted: RejectFilter) -> Select[str | None, str, int, int]:
    """Rows of `column`, `code`, `count` and `first_line`, the largest first; the counts add up to the total."""
    count = func.count().label("count")
    return (
        select(Reject.column_name.label("column"), Reject.code, count, func.min(Reject.line_number).label("first_line"))
        .where(*wanted.conditions())
        .group_by(Reject.column_name, Reject.code)
        .order_by(count.desc(), Reject.column_name, Reject.code)
    )


def first_samples(wanted: RejectFilter) -> Select[str | None, str, int, str | None]:
    """Rows of `column`, `code`, `line_number`, `value`: the first few of each group among the first `SAMPLED_ROWS`.

    The first of each group among all of them would mean to sort them all: 3 s for a million.
    """
    head = rejects_in_file_order(wanted).limit(SAMPLED_ROWS).subquery("head")
    rank = func.row_number().over(partition_by=(head.c.column, head.c.code), order_by=head.c.line_number)
    ranked = select(head.c.column, head.c.code, head.c.line_number, head.c.value, rank.label("rank")).subquery("ranked")
    return (
        select(ranked.c.column, ranked.c.code, ranked.c.line_number, ranked.c.value)
        .where(ranked.c.rank <= SAMPLES_PER_GROUP)
        .order_by(ranked.c.line_number)
    )


def samples_at(wanted: RejectFilter, lines: Collection[int]) -> Select[str | None, str, int, str | None]:
    """The same for groups that begin later: whatever was rejected at these lines."""
    return (
        select(Reject.column_name.label("column"), Reject.code, Reject.line_number, Reject.value)
        .where(*wanted.conditions(), Reject.line_number.in_(lines))
        .order_by(Reject.line_number, Reject.position)
    )
