"""All that a database and a storage hold, for a comparison of before and after."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

# Every table that holds rows itself, partitions that no reader sees yet included.
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
ATTACHED = "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits ORDER BY 1"
RIGHTS = """
SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges
WHERE table_schema = 'public' AND grantee = 'imdb_api' ORDER BY 1, 2, 3, 4
"""
POLICIES = "SELECT tablename, policyname, roles::text, cmd, qual FROM pg_policies ORDER BY 1, 2"


def rows_of(url: str) -> dict[str, Any]:
    """Every row of every table, which partition belongs where, rights and policies."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found: dict[str, Any] = {}
        for name, statement in (("attached", ATTACHED), ("rights", RIGHTS), ("policies", POLICIES)):
            cursor.execute(statement)
            found[name] = cursor.fetchall()
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table)))
            found[f"table {table}"] = [text for (text,) in cursor.fetchall()]
    return found


def files_in(data_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data_dir / "uploads").iterdir()}
