"""When a title was released, as precisely as the file says it.

`release_order` is yyyymmdd, with 0000 for month and day if only the year is known.
"""

import pyarrow as pa
import pyarrow.compute as pc


def from_day(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_year` and `release_order` from `release_date`."""
    day = fields["release_date"]
    year = pc.year(day)
    order = pc.add(pc.multiply(year, 10_000), pc.add(pc.multiply(pc.month(day), 100), pc.day(day)))
    return {"release_year": year.cast(pa.int16()), "release_order": order.cast(pa.int32())}


def from_year(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_order` from `release_year`."""
    return {"release_order": pc.multiply(fields["release_year"], 10_000)}
