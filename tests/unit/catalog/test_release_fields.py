"""The year and the order of release, from a day, a year, or both."""

from datetime import date

import pyarrow as pa
import pytest

from shared.catalog.release_fields import release_fields


@pytest.mark.parametrize(
    ("day", "year", "found"),
    [
        (date(1999, 12, 25), 1999, (1999, 19991225)),
        # a festival the year before
        (date(1999, 12, 25), 2000, (2000, 20000000)),
        (date(1999, 12, 25), None, (1999, 19991225)),
        (None, 2000, (2000, 20000000)),
        (None, None, (None, None)),
    ],
)
def test_the_order_begins_with_the_year(day: date | None, year: int | None, found: tuple[int | None, ...]) -> None:
    fields = release_fields(
        {"release_date": pa.array([day], pa.date32()), "release_year": pa.array([year], pa.int16())}
    )
    assert tuple(fields[name].to_pylist()[0] for name in ("release_year", "release_order")) == found
