"""`python -m tools.new_migration SLUG`: writes the migration to what models and tables say now.

It compares them with an empty database at the last migration, on a PostgreSQL of its own. A new table of
`shared/catalog/tables` gets its policies and rights as well (`migrations/env.py`). What moves data is still to be
written by hand.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from stack.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """0 if a migration was written."""
    parser = argparse.ArgumentParser(prog="python -m tools.new_migration", description=__doc__)
    parser.add_argument("slug", help="what it does, in a few words with underscores: ratings, a_column_for_x")
    slug = parser.parse_args().slug
    if not re.fullmatch("[a-z0-9_]{1,40}", slug):
        parser.error("the slug has small letters, digits and underscores")
    # Files are in the order in which they run, whatever the clock says.
    newest = max(path.name[:10] for path in (ROOT / "migrations" / "versions").glob("????-??-??_*.py"))
    day = max(f"{datetime.now(UTC):%Y-%m-%d}", newest)
    revision = f"{day.replace('-', '_')}_{slug}"
    with tempfile.TemporaryDirectory() as directory:
        server = PostgresServer(Path(directory) / "postgres")
        server.start()
        try:
            environment = {**os.environ, "DATABASE_URL": server.url, "REDIS_URL": "redis://unused.invalid"}
            for arguments in (
                ["upgrade", "head"],
                ["revision", "--autogenerate", "--message", slug, "--rev-id", revision],
            ):
                command = [sys.executable, "-m", "alembic", *arguments]
                subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603  the command is ours
        finally:
            server.stop()
    format_it = [sys.executable, "-m", "ruff", "format", "--quiet", "migrations"]
    subprocess.run(format_it, cwd=ROOT, check=True)  # noqa: S603
    return 0


if __name__ == "__main__":
    sys.exit(main())
