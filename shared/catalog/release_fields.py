"""When a title was released, as precisely as the file says it.

`release_order` is yyyymmdd, with 0000 for month and day if only the year is known. Its year is always `release_year`:
the index of the one finds and counts what the other says. So a day of another year than the one that is given, as of a
festival the year before, is kept as `release_date`, but does not order the title.
"""

import pyarrow as pa
import pyarrow.compute as pc


def release_fields(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_year` and `release_order` from `release_date`, `release_year`, or both: then the year that is given."""
    day, year = fields.get("release_date"), fields.get("release_year")
    if day is None:
        return {} if year is None else {"release_order": pc.multiply(year, 10_000)}
    year_of_day = pc.year(day)
    order = pc.add(pc.multiply(year_of_day, 10_000), pc.add(pc.multiply(pc.month(day), 100), pc.day(day)))
    if year is None:
        return {"release_year": year_of_day.cast(pa.int16()), "release_order": order.cast(pa.int32())}
    only_year = pc.multiply(year, 10_000)
    order = pc.coalesce(pc.if_else(pc.not_equal(year_of_day, year), only_year, order), only_year, order)
    return {"release_year": pc.coalesce(year, year_of_day), "release_order": order.cast(pa.int32())}
