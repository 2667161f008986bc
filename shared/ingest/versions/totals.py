"""How many rows have which values of a table's facets: kept for each upload, and summed for each collection.

Both change in the transaction that publishes, corrects or undoes an upload, so the total of a listing is exact and no
request counts rows. Rows change in the order of the key, so two transactions never deadlock.
"""

import json
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from shared.catalog.table import Table
from shared.database.models.collections import Collection
from shared.database.state_machine import Connection

_ADD_GIVEN: Final = """
INSERT INTO upload_totals AS total (upload_number, facets, row_count)
SELECT %(number)s, counted.facets::jsonb, counted.row_count
FROM unnest(%(facets)s::text[], %(row_counts)s::bigint[]) AS counted (facets, row_count)
ORDER BY 2
ON CONFLICT (upload_number, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
"""

_ADD_TO_COLLECTION: Final = """
INSERT INTO collection_totals AS total (tenant, table_name, collection, facets, row_count)
SELECT %(tenant)s, %(table)s, %(collection)s, counted.facets, counted.row_count FROM {source}
ORDER BY 4
ON CONFLICT (tenant, table_name, collection, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
"""
_ADD_UPLOAD_TO_COLLECTION: Final = _ADD_TO_COLLECTION.format(
    source="upload_totals AS counted WHERE upload_number = %(number)s"
)
_ADD_GIVEN_TO_COLLECTION: Final = _ADD_TO_COLLECTION.format(
    source="(SELECT facets::jsonb, row_count FROM unnest(%(facets)s::text[], %(row_counts)s::bigint[])"
    " AS given (facets, row_count)) AS counted"
)

_SUBTRACT_FROM_COLLECTION: Final = """
UPDATE collection_totals AS total SET row_count = total.row_count - gone.row_count
FROM (SELECT * FROM upload_totals WHERE upload_number = %(number)s ORDER BY facets) AS gone
WHERE total.collection = %(collection)s AND total.facets = gone.facets
"""

_FORGET: Final = "DELETE FROM upload_totals WHERE upload_number = %(number)s"

_COUNT_LEAF: Final = """
INSERT INTO upload_totals (upload_number, facets, row_count)
SELECT {number}, {facets_json}, row_count
FROM (SELECT {facets} count(*) AS row_count FROM {leaf} {grouping}) AS counted
ON CONFLICT (upload_number, facets) DO UPDATE SET row_count = excluded.row_count
"""

# Rows of several uploads, which moved between what readers see and the history.
_SHIFT_UPLOADS: Final = """
WITH moved AS (
    SELECT number, moved.facets::jsonb, row_count
    FROM unnest(%(first_ids)s::bigint[], %(facets)s::text[], %(row_counts)s::bigint[])
        AS moved (first_id, facets, row_count)
    JOIN uploads ON uploads.tenant = %(tenant)s AND uploads.first_id = moved.first_id AND corrects IS NULL
), of_uploads AS (
    INSERT INTO upload_totals AS total (upload_number, facets, row_count)
    SELECT number, facets, row_count FROM moved ORDER BY 1, 2
    ON CONFLICT (upload_number, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
)
UPDATE uploads SET current_records = current_records + records, rows_version = %(version)s
FROM (SELECT number, sum(row_count) AS records FROM moved GROUP BY number) AS counted
WHERE counted.number = uploads.number
"""
_SUBTRACT_GIVEN_FROM_COLLECTION: Final = """
UPDATE collection_totals AS total SET row_count = total.row_count - gone.row_count
FROM (
    SELECT facets::jsonb, sum(row_count) AS row_count
    FROM unnest(%(facets)s::text[], %(row_counts)s::bigint[]) AS given (facets, row_count)
    GROUP BY 1 ORDER BY 1
) AS gone
WHERE total.collection = %(collection)s AND total.facets = gone.facets
"""

# All anew, where many uploads have come or gone at once.
_FORGET_COLLECTION: Final = "DELETE FROM collection_totals WHERE collection = %(collection)s"
_RECOUNT_COLLECTION: Final = f"""
{
    _ADD_TO_COLLECTION.format(
        source='''(
    SELECT facets, sum(row_count)::bigint AS row_count
    FROM upload_totals JOIN uploads ON number = upload_number
    WHERE uploads.collection = %(collection)s AND superseded_by IS NULL AND state = 'completed'
    GROUP BY facets
) AS counted'''
    )
}
"""

# The first id of an upload, the facets of rows as JSON, and how many of its rows have them.
Moved = tuple[int, str, int]

# The facets of rows, as JSON, and how many rows have them: two lists of equal length.
Counts = dict[str, list[object]]


def counted(table: Table, rows: pa.Table) -> Counts:
    """Count the rows."""
    if not table.facets:
        return {"facets": ["{}"], "row_counts": [rows.num_rows]} if rows.num_rows else {"facets": [], "row_counts": []}
    grouped = rows.select(table.facets).group_by(table.facets).aggregate([([], "count_all")])
    facets = [json.dumps(values) for values in grouped.select(table.facets).to_pylist()]
    return {"facets": facets, "row_counts": grouped["count_all"].to_pylist()}


def count_leaf(table: Table, number: int, leaf: str) -> str:
    """SQL that counts the leaf of a large upload; it can be repeated."""
    return _COUNT_LEAF.format(
        number=number,
        leaf=leaf,
        facets_json=facets_of(table),
        facets="".join(f"{name}, " for name in table.facets),
        grouping=f"GROUP BY {', '.join(table.facets)}" if table.facets else "",
    )


def facets_of(table: Table) -> str:
    """SQL for the facets of a row, as JSON."""
    pairs = ", ".join(f"'{name}', {name}" for name in table.facets)
    return f"jsonb_build_object({pairs})"


def shift(
    connection: Connection,
    collection: Collection,
    moved: Sequence[Moved],
    version: int,
    *,
    sign: int,
    is_visible: bool,
) -> None:
    """Rows of uploads have come (`sign` 1) or gone (-1), in this version: change all that counts them.

    `is_visible`: the uploads are, so their collection counts the rows, too.
    """
    if not moved:
        return
    first_ids, facets, counts = map(list, zip(*moved, strict=True))
    names = {"tenant": collection.tenant, "version": version, "first_ids": first_ids}
    connection.execute(_SHIFT_UPLOADS, **names, facets=facets, row_counts=[sign * count for count in counts])
    if not is_visible:
        return
    if sign > 0:
        add_to_collection(connection, collection, _by_facets(moved))
    else:
        names = {"collection": collection.number, "facets": facets, "row_counts": counts}
        connection.execute(_SUBTRACT_GIVEN_FROM_COLLECTION, **names)


def _by_facets(moved: Sequence[Moved]) -> Counts:
    sums: dict[object, int] = {}
    for _, facets, count in moved:
        sums[facets] = sums.get(facets, 0) + count
    return {"facets": list(sums), "row_counts": list(sums.values())}


def recount_collection(connection: Connection, collection: Collection) -> None:
    """Sum the totals of the collection's visible uploads again."""
    connection.execute(_FORGET_COLLECTION, collection=collection.number)
    connection.execute(_RECOUNT_COLLECTION, **_names(collection))


def add_to_upload(connection: Connection, number: int, counts: Counts) -> None:
    """Add the result of `counted` to an upload's totals."""
    connection.execute(_ADD_GIVEN, number=number, **counts)


def add_to_collection(connection: Connection, collection: Collection, counts: Counts) -> None:
    """Add the result of `counted` to a collection's totals."""
    connection.execute(_ADD_GIVEN_TO_COLLECTION, **_names(collection), **counts)


def add_upload_to_collection(connection: Connection, number: int, collection: Collection) -> None:
    """Add an upload's totals to its collection's."""
    connection.execute(_ADD_UPLOAD_TO_COLLECTION, number=number, **_names(collection))


def subtract_upload_from_collection(connection: Connection, number: int, collection: int) -> None:
    """Subtract an upload's totals from its collection's, and delete them."""
    connection.execute(_SUBTRACT_FROM_COLLECTION, number=number, collection=collection)
    forget(connection, number)


def forget(connection: Connection, number: int) -> None:
    """Delete an upload's own totals."""
    connection.execute(_FORGET, number=number)


def _names(collection: Collection) -> dict[str, object]:
    return {"tenant": collection.tenant, "table": collection.table_name, "collection": collection.number}
