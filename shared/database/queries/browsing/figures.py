"""The figures of a tenant's datasets: from kept sums, and from an index of uploads; no row and no reject is read."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, Select, Text, case, cast, func, literal_column, or_, select

from shared.database.models import REJECTED, ROWS, Collection, CollectionTotal, Upload
from shared.database.queries.browsing.breakdowns import summed
from shared.database.state_machine import UploadState
from shared.database.timing.statement_names import named

# Loads are listed for so many days, today's included.
DAYS: Final = 366
_DAY: Final = literal_column("'day'", Text)
_UTC: Final = literal_column("'UTC'", Text)

# Which group of each breakdown is shown.
_SHOWN: Final = {
    ROWS: "release_year",
    REJECTED: "code",
    "genre": "genre",
    "rating": "rating",
    "title_type": "title_type",
}


@named
def kept_figures(tenant: str, dataset: str | None, at_most: int) -> Select[*tuple[Any, ...]]:
    """Rows of `dataset`, `table_name`, `breakdown`, `value` (null if unknown) and `records`.

    At most so many of each breakdown, the greatest first. Of `ROWS` there are all: as many as years.
    """
    shown = case(
        *((CollectionTotal.breakdown == name, CollectionTotal.facets[group].astext) for name, group in _SHOWN.items())
    )
    mine = [CollectionTotal.tenant == tenant, CollectionTotal.breakdown.in_(_SHOWN), *_only(dataset, Collection)]
    kept = (
        select(
            Collection.dataset,
            Collection.table_name,
            CollectionTotal.breakdown,
            shown.label("value"),
            CollectionTotal.row_count,
        )
        .join(Collection, Collection.number == CollectionTotal.collection)
        .where(*mine)
        .subquery()
    )
    keys, records = (kept.c.dataset, kept.c.table_name, kept.c.breakdown), summed(kept.c.row_count)
    order = (records.desc(), kept.c.value)
    rank = func.row_number().over(partition_by=keys, order_by=order)
    counted = (
        select(*keys, kept.c.value, records.label("records"), rank.label("rank"))
        .group_by(*keys, kept.c.value)
        .having(records > 0)
        .subquery()
    )
    return (
        select(counted.c.dataset, counted.c.table_name, counted.c.breakdown, counted.c.value, counted.c.records)
        .where(or_(counted.c.breakdown == ROWS, counted.c.rank <= at_most))
        .order_by(counted.c.dataset, counted.c.breakdown, counted.c.rank)
    )


@named
def uploads_by_state(tenant: str, dataset: str | None) -> Select[*tuple[Any, ...]]:
    """Rows of `dataset`, `state` and `uploads`."""
    return (
        select(Upload.dataset, Upload.state, func.count().label("uploads"))
        .where(Upload.tenant == tenant, *_only(dataset, Upload))
        .group_by(Upload.dataset, Upload.state)
    )


@named
def loads_by_day(tenant: str, dataset: str | None) -> Select[*tuple[Any, ...]]:
    """Rows of `dataset`, `day`, `uploads`, `loaded` and `rejected`: of completed uploads, by the UTC day of completion.

    A corrected record counts for the upload that it belongs to, so corrections are left out.
    """
    since = func.date_trunc(_DAY, func.now(), _UTC) - timedelta(days=DAYS - 1)
    day = cast(func.timezone(_UTC, Upload.finished_at), Date)
    completed = (
        *(Upload.tenant == tenant, Upload.state == UploadState.COMPLETED, Upload.corrects.is_(None)),
        Upload.finished_at >= since,
    )
    return (
        select(
            Upload.dataset,
            day.label("day"),
            func.count().label("uploads"),
            summed(Upload.loaded_records.expression).label("loaded"),
            summed(Upload.rejected_records.expression).label("rejected"),
        )
        .where(*completed, *_only(dataset, Upload))
        .group_by(Upload.dataset, day)
        .order_by(Upload.dataset, day)
    )


def _only(dataset: str | None, of: type[Upload] | type[Collection]) -> list[ColumnElement[bool]]:
    return [] if dataset is None else [of.dataset == dataset]
