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
from datetime import UTC, date, datetime, timedelta
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
    before = _files()
    day = _next_day(before)
    revision = f"{day:%Y_%m_%d}_{slug}"
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
    (written,) = _files() - before
    written.rename(written.with_name(f"{day}_{slug}.py"))  # Alembic takes the clock's day
    format_it = [sys.executable, "-m", "ruff", "format", "--quiet", "migrations"]
    subprocess.run(format_it, cwd=ROOT, check=True)  # noqa: S603
    return 0


def _files() -> set[Path]:
    return set((ROOT / "migrations" / "versions").glob("????-??-??_*.py"))


def _next_day(files: set[Path]) -> date:
    """Today, or the day after the newest migration: the order of the names is that in which they run."""
    newest = max(date.fromisoformat(path.name[:10]) for path in files)
    return max(datetime.now(UTC).date(), newest + timedelta(days=1))


if __name__ == "__main__":
    sys.exit(main())
