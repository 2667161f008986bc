"""How many movies there are per year and language: kept for each upload, and summed for each tenant.

Both change in the transaction that publishes, corrects or undoes an upload, so the total of a listing is exact and no
request counts rows. Rows change in the order of the key, so two transactions never deadlock.
"""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.database.state_machine import Connection

_GIVEN: Final = """
unnest(%(years)s::smallint[], %(languages)s::text[], %(movies)s::bigint[])
    AS counted (release_year, original_language, movies)
"""

# Not by COPY, which refuses a table with policies.
_ADD_TO_UPLOAD: Final = f"""
INSERT INTO upload_totals AS total (upload_number, release_year, original_language, movies)
SELECT %(number)s, release_year, original_language, movies FROM {_GIVEN}
ORDER BY 2, 3
ON CONFLICT (upload_number, release_year, original_language) DO UPDATE SET movies = total.movies + excluded.movies
"""

_ADD_TO_TENANT: Final = """
INSERT INTO movie_totals AS total (tenant, release_year, original_language, movies)
SELECT %(tenant)s, release_year, original_language, movies FROM {source}
ORDER BY 2, 3
ON CONFLICT (tenant, release_year, original_language) DO UPDATE SET movies = total.movies + excluded.movies
"""
_ADD_GIVEN_TO_TENANT: Final = _ADD_TO_TENANT.format(source=_GIVEN)
_ADD_UPLOAD_TO_TENANT: Final = _ADD_TO_TENANT.format(source="upload_totals WHERE upload_number = %(number)s")

_SUBTRACT_FROM_TENANT: Final = """
UPDATE movie_totals AS total SET movies = total.movies - gone.movies
FROM (SELECT * FROM upload_totals WHERE upload_number = %(number)s ORDER BY release_year, original_language) AS gone
WHERE total.tenant = %(tenant)s
  AND (total.release_year, total.original_language) = (gone.release_year, gone.original_language)
"""

_FORGET: Final = "DELETE FROM upload_totals WHERE upload_number = %(number)s"

_COUNT_TABLE: Final = """
INSERT INTO upload_totals (upload_number, release_year, original_language, movies)
SELECT {number}, coalesce(release_year, 0), coalesce(original_language, ''), count(*) FROM {table} GROUP BY 2, 3
ON CONFLICT (upload_number, release_year, original_language) DO UPDATE SET movies = excluded.movies
"""


def counted(movies: pa.Table) -> dict[str, list[Any]]:
    """Count the movies: lists `years`, `languages` and `movies` of equal length.

    0 and '' mean that a movie has no year or no language.
    """
    keys = pa.table(
        {
            "years": pc.fill_null(movies["release_year"], 0),
            "languages": pc.fill_null(movies["original_language"], ""),
        }
    )
    grouped = keys.group_by(["years", "languages"]).aggregate([([], "count_all")])
    return {
        "years": grouped["years"].to_pylist(),
        "languages": grouped["languages"].to_pylist(),
        "movies": grouped["count_all"].to_pylist(),
    }


def count_table(number: int, table: str) -> str:
    """SQL that counts the table of a large upload; it can be repeated."""
    return _COUNT_TABLE.format(number=number, table=table)


def add_to_upload(connection: Connection, number: int, counts: dict[str, list[Any]]) -> None:
    """Add the result of `counted` to an upload's totals."""
    connection.execute(_ADD_TO_UPLOAD, number=number, **counts)


def add_to_tenant(connection: Connection, tenant: str, counts: dict[str, list[Any]]) -> None:
    """Add the result of `counted` to a tenant's totals."""
    connection.execute(_ADD_GIVEN_TO_TENANT, tenant=tenant, **counts)


def add_upload_to_tenant(connection: Connection, number: int, tenant: str) -> None:
    """Add an upload's totals to its tenant's."""
    connection.execute(_ADD_UPLOAD_TO_TENANT, number=number, tenant=tenant)


def subtract_upload_from_tenant(connection: Connection, number: int, tenant: str) -> None:
    """Subtract an upload's totals from its tenant's, and delete them."""
    connection.execute(_SUBTRACT_FROM_TENANT, number=number, tenant=tenant)
    forget(connection, number)


def forget(connection: Connection, number: int) -> None:
    """Delete an upload's own totals."""
    connection.execute(_FORGET, number=number)
