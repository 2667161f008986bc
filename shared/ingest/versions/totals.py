"""How many rows have which values: of a table's facets, and of each of its breakdowns. How many records are rejected.

They are kept for each upload, and summed for each collection. Both change in the transaction that publishes, corrects
or undoes an upload, so the total of a listing is exact and no request counts rows. Rows change in the order of the key,
so two transactions never deadlock.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.table import Breakdown, FieldType, Group, Table
from shared.database.models.collections import REJECTED, ROWS, Collection
from shared.database.state_machine import Connection

_GIVEN: Final = """
unnest(%(breakdowns)s::text[], %(facets)s::text[], %(row_counts)s::bigint[]) AS given (breakdown, facets, row_count)
"""
_ADD_GIVEN: Final = f"""
INSERT INTO upload_totals AS total (upload_number, breakdown, facets, row_count)
SELECT %(number)s, breakdown, facets::jsonb, row_count FROM {_GIVEN}
ORDER BY 2, 3
ON CONFLICT (upload_number, breakdown, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
"""

_ADD_TO_COLLECTION: Final = """
INSERT INTO collection_totals AS total (tenant, table_name, collection, breakdown, facets, row_count)
SELECT %(tenant)s, %(table)s, %(collection)s, counted.breakdown, counted.facets, counted.row_count FROM {source}
ORDER BY 4, 5
ON CONFLICT (tenant, table_name, collection, breakdown, facets)
    DO UPDATE SET row_count = total.row_count + excluded.row_count
"""
_ADD_UPLOAD_TO_COLLECTION: Final = _ADD_TO_COLLECTION.format(
    source="upload_totals AS counted WHERE upload_number = %(number)s"
)
_ADD_GIVEN_TO_COLLECTION: Final = _ADD_TO_COLLECTION.format(
    source=f"(SELECT breakdown, facets::jsonb, row_count FROM {_GIVEN}) AS counted"
)

_IS_SAME: Final = "total.breakdown = gone.breakdown AND total.facets = gone.facets"
_SUBTRACT_FROM_COLLECTION: Final = f"""
UPDATE collection_totals AS total SET row_count = total.row_count - gone.row_count
FROM (SELECT * FROM upload_totals WHERE upload_number = %(number)s ORDER BY breakdown, facets) AS gone
WHERE total.collection = %(collection)s AND {_IS_SAME}
"""

_FORGET: Final = "DELETE FROM upload_totals WHERE upload_number = %(number)s"

_COUNT_LEAF: Final = """
INSERT INTO upload_totals (upload_number, breakdown, facets, row_count)
SELECT {number}, '{breakdown}', jsonb_build_object({pairs}), row_count
FROM ({counted}) AS counted
ON CONFLICT (upload_number, breakdown, facets) DO UPDATE SET row_count = excluded.row_count
"""

_EACH_VALUE: Final = "each.value"

_COUNT_REJECTED: Final = f"""
WITH counted AS (
    INSERT INTO upload_totals (upload_number, breakdown, facets, row_count)
    SELECT %(number)s, '{REJECTED}', jsonb_build_object('code', code), count(*)
    FROM rejects WHERE upload_number = %(number)s AND position = 0 GROUP BY code
    ON CONFLICT (upload_number, breakdown, facets) DO UPDATE SET row_count = excluded.row_count
    RETURNING row_count
)
SELECT coalesce(sum(row_count), 0)::bigint FROM counted
"""

# Rows of several uploads, which moved between what readers see and the history.
_SHIFT_UPLOADS: Final = f"""
WITH moved AS (
    SELECT number, moved.breakdown, moved.facets::jsonb, row_count
    FROM unnest(%(first_ids)s::bigint[], %(breakdowns)s::text[], %(facets)s::text[], %(row_counts)s::bigint[])
        AS moved (first_id, breakdown, facets, row_count)
    JOIN uploads ON uploads.tenant = %(tenant)s AND uploads.first_id = moved.first_id AND corrects IS NULL
), of_uploads AS (
    INSERT INTO upload_totals AS total (upload_number, breakdown, facets, row_count)
    SELECT number, breakdown, facets, row_count FROM moved ORDER BY 1, 2, 3
    ON CONFLICT (upload_number, breakdown, facets) DO UPDATE SET row_count = total.row_count + excluded.row_count
)
UPDATE uploads SET current_records = current_records + records, rows_version = %(version)s
FROM (SELECT number, sum(row_count) AS records FROM moved WHERE breakdown = '{ROWS}' GROUP BY number) AS counted
WHERE counted.number = uploads.number
"""
_SUBTRACT_GIVEN_FROM_COLLECTION: Final = f"""
UPDATE collection_totals AS total SET row_count = total.row_count - gone.row_count
FROM (
    SELECT breakdown, facets::jsonb, sum(row_count) AS row_count FROM {_GIVEN} GROUP BY 1, 2 ORDER BY 1, 2
) AS gone
WHERE total.collection = %(collection)s AND {_IS_SAME}
"""

# All anew, where many uploads have come or gone at once.
_FORGET_COLLECTION: Final = "DELETE FROM collection_totals WHERE collection = %(collection)s"
_RECOUNT_COLLECTION: Final = _ADD_TO_COLLECTION.format(
    source="""(
    SELECT breakdown, facets, sum(row_count)::bigint AS row_count
    FROM upload_totals JOIN uploads ON number = upload_number
    WHERE uploads.collection = %(collection)s AND superseded_by IS NULL AND state = 'completed'
    GROUP BY breakdown, facets
) AS counted"""
)

# The first id of an upload, a breakdown or `ROWS`, the values of rows as JSON, and how many of its rows have them.
Moved = tuple[int, str, str, int]

# Breakdowns (or `ROWS`), values of rows as JSON, and how many rows have them: three lists of equal length.
Counts = dict[str, list[object]]


def counts_of(counted: Sequence[tuple[str, str, int]]) -> Counts:
    """Counts from such rows."""
    breakdowns, facets, row_counts = map(list, zip(*counted, strict=True)) if counted else ([], [], [])
    return {"breakdowns": breakdowns, "facets": facets, "row_counts": row_counts}


def counted(table: Table, rows: pa.Table) -> Counts:
    """Count the rows."""
    found = [(ROWS, *each) for each in _grouped(rows.select(table.facets))]
    for breakdown in table.breakdowns:
        found += [(breakdown.name, *each) for each in _grouped(_values(breakdown, rows))]
    return counts_of(found)


def _grouped(values: pa.Table) -> Iterator[tuple[str, int]]:
    names = values.column_names
    if not names:
        if values.num_rows:
            yield "{}", values.num_rows
        return
    grouped = values.group_by(names).aggregate([([], "count_all")])
    for facets, count in zip(grouped.select(names).to_pylist(), grouped["count_all"].to_pylist(), strict=True):
        yield json.dumps(facets), count


def _values(breakdown: Breakdown, rows: pa.Table) -> pa.Table:
    """The values of the groups, for each row that has one of the first: of a list each value once."""
    first, *others = breakdown.groups
    column = rows[first.field].combine_chunks()
    if pa.types.is_list(column.type):
        each = pa.table({"row": pc.list_parent_indices(column), "value": pc.list_flatten(column)})
        each = each.group_by(["row", "value"]).aggregate([])
        numbers, values = each["row"], each["value"]
    else:
        numbers, values = pa.array(range(len(column))), column
    numbers, values = numbers.filter(pc.is_valid(values)), values.filter(pc.is_valid(values))
    columns = {first.name: _stepped(first, values)}
    columns |= {group.name: _stepped(group, rows[group.field].take(numbers)) for group in others}
    return pa.table(columns)


def _stepped(group: Group, values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    if group.step is None:
        return values
    return pc.multiply(pc.floor(pc.divide(values.cast(pa.float64()), group.step)).cast(pa.int32()), group.step)


def count_leaf(table: Table, number: int, leaf: str) -> Iterator[str]:
    """SQL that counts the leaf of a large upload, in statements that can each be repeated."""
    facets = ", ".join(table.facets)
    yield _COUNT_LEAF.format(
        number=number,
        breakdown=ROWS,
        pairs=", ".join(f"'{name}', {name}" for name in table.facets),
        counted=f"SELECT {', '.join([*table.facets, 'count(*) AS row_count'])} FROM {leaf}"
        + (f" GROUP BY {facets}" if facets else ""),
    )
    for breakdown in table.breakdowns:
        yield _COUNT_LEAF.format(
            number=number,
            breakdown=breakdown.name,
            pairs=", ".join(f"'{group.name}', {_column(group)}" for group in breakdown.groups),
            counted=_counted_values(table, breakdown, leaf),
        )


def _counted_values(table: Table, breakdown: Breakdown, leaf: str) -> str:
    """SQL that counts the rows of a leaf by the values of the groups.

    Many rows have the same list, so lists are counted first and then taken apart: to take that of each row apart took
    three times as long.
    """
    first, *others = breakdown.groups
    is_list = _is_list(table, first)
    columns = [f"{first.field if is_list else _value(table, first)} AS {_column(first)}"]
    columns += [f"{_value(table, group)} AS {_column(group)}" for group in others]
    groups = ", ".join(map(str, range(1, len(columns) + 1)))
    known = f"WHERE {first.field} IS NOT NULL"
    counted = f"SELECT {', '.join(columns)}, count(*) AS row_count FROM {leaf} {known} GROUP BY {groups}"
    if not is_list:
        return counted
    columns = [f"{_EACH_VALUE} AS {_column(first)}", *map(_column, others)]
    each = _each_value(_column(first))
    return (
        f"SELECT {', '.join(columns)}, sum(row_count) AS row_count FROM ({counted}) AS lists {each} GROUP BY {groups}"
    )


def counted_rows(table: Table, source: str, key: str = "") -> str:
    """SQL: the breakdown or `ROWS`, the values as JSON text, and how many rows of `source` have them.

    `key`: an expression to count by besides, which becomes the first column.
    """
    parts = [f"SELECT '{ROWS}' AS breakdown, {_json([(name, name) for name in table.facets])} AS facets"]
    for breakdown in table.breakdowns:
        values = _json([(group.name, _value(table, group)) for group in breakdown.groups])
        parts.append(f"SELECT '{breakdown.name}', {values} FROM (SELECT) AS one {_each(table, breakdown)}")
    columns = [*filter(None, [key]), "breakdown", "facets::text"]
    groups = ", ".join(map(str, range(1, len(columns) + 1)))
    each = f"CROSS JOIN LATERAL ({' UNION ALL '.join(parts)}) AS counted"
    return f"SELECT {', '.join(columns)}, count(*) FROM {source} {each} GROUP BY {groups} ORDER BY {groups}"


def _json(pairs: Sequence[tuple[str, str]]) -> str:
    arguments = ", ".join(f"'{name}', {value}" for name, value in pairs)
    return f"jsonb_build_object({arguments})"


def _each(table: Table, breakdown: Breakdown) -> str:
    """SQL that goes on a FROM: for each value of the first group, if it is a list; only rows that have a value."""
    first = breakdown.groups[0]
    return _each_value(first.field) if _is_list(table, first) else f"WHERE {first.field} IS NOT NULL"


def _each_value(values: str) -> str:
    """SQL that goes on a FROM: for each value of a list, which is `_EACH_VALUE`, once."""
    distinct = f"SELECT DISTINCT value FROM unnest({values}) AS value WHERE value IS NOT NULL"
    return f"CROSS JOIN LATERAL ({distinct}) AS each"


def _value(table: Table, group: Group) -> str:
    if _is_list(table, group):
        return _EACH_VALUE
    return group.field if group.step is None else f"floor({group.field} / {group.step}::float8)::int * {group.step}"


def _column(group: Group) -> str:
    return f"value_of_{group.name}"


def _is_list(table: Table, group: Group) -> bool:
    return any(field.name == group.field and field.type is FieldType.TEXTS for field in table.fields)


def count_rejected(connection: Connection, number: int) -> int:
    """Count an upload's rejected records by their first reason; return how many there are. It can be repeated."""
    return int(connection.execute(_COUNT_REJECTED, number=number)[0][0])


def corrected(
    connection: Connection, collection: Collection, first_id: int, codes: Sequence[str], version: int
) -> None:
    """Records of the visible upload with this first id, rejected for these first reasons, are no longer rejected."""
    moved = [(first_id, REJECTED, json.dumps({"code": code}), count) for code, count in Counter(codes).items()]
    shift(connection, collection, moved, version, sign=-1, is_visible=True)


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
    first_ids, breakdowns, facets, counts = map(list, zip(*moved, strict=True))
    names = {"tenant": collection.tenant, "version": version, "first_ids": first_ids, "breakdowns": breakdowns}
    connection.execute(_SHIFT_UPLOADS, **names, facets=facets, row_counts=[sign * count for count in counts])
    if not is_visible:
        return
    if sign > 0:
        add_to_collection(connection, collection, _summed(moved))
    else:
        names = {"collection": collection.number, "breakdowns": breakdowns, "facets": facets, "row_counts": counts}
        connection.execute(_SUBTRACT_GIVEN_FROM_COLLECTION, **names)


def _summed(moved: Sequence[Moved]) -> Counts:
    sums: dict[tuple[str, str], int] = {}
    for _, breakdown, facets, count in moved:
        sums[breakdown, facets] = sums.get((breakdown, facets), 0) + count
    return counts_of([(*values, count) for values, count in sums.items()])


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
