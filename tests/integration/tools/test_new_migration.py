"""`make migration` notices a new table, and what it writes goes up and down."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.settings import Settings
from tests.conftest import ROOT
from tests.integration.ingest.test_loader import rows
from tests.seeded_bugs.trials import copy_project

# It is about our own logic and not about a version of PostgreSQL.
pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

TABLE = """
from shared.catalog.table import Field, FieldType, Index, Table

TABLE = Table(
    name="awards",
    description="Prizes of films",
    fields=(
        Field("year", FieldType.SMALLINT, "Year of the prize"),
        Field("title_id", FieldType.TEXT, "The title's id", required=True),
        Field("jury", FieldType.TEXTS, "Names of the jury"),
    ),
    key=("title_id",),
    indexes=(Index("title", ("title_id",)),),
)
"""
DATASET = """
from shared.catalog.checks import TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.tables.awards import TABLE

DATASET = Dataset(
    name="awards",
    title="Awards",
    description="Prizes of films",
    table=TABLE,
    columns=(Column("tconst", "title_id", Rule(), "The title's id", (TCONST,), required=True, is_key=True),),
)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project with one more table."""
    copy = tmp_path / "project"
    copy_project(ROOT, copy)
    (copy / "shared" / "catalog" / "tables" / "awards.py").write_text(TABLE)
    (copy / "shared" / "catalog" / "datasets" / "awards.py").write_text(DATASET)
    return copy


def run(project: Path, *arguments: str, database_url: str = "postgresql://unused.invalid/none") -> None:
    """Run a module of the copy; it must succeed."""
    environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": "redis://unused.invalid"}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def versions(project: Path) -> set[Path]:
    return set((project / "migrations" / "versions").glob("*.py"))


def awards(engine: Engine) -> list[tuple[bool, bool]]:
    """Whether its policies hold for everyone, and for its owner; nothing if there is no such table."""
    sql = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'awards' AND relkind = 'p'"
    return [tuple(row) for row in rows(engine, sql)]


def test_a_new_table_gets_its_migration_with_policies_and_rights(
    project: Path, settings: Settings, engine: Engine
) -> None:
    before = versions(project)
    run(project, "tools.new_migration", "awards")
    [written] = versions(project) - before
    assert written.name.endswith("_awards.py")
    assert max(versions(project)) == written  # it runs last, whatever day it is

    run(project, "alembic", "upgrade", "head", database_url=settings.database_url)
    assert awards(engine) == [(True, True)]
    sql = "SELECT policyname, roles::text[], cmd FROM pg_policies WHERE tablename = 'awards' ORDER BY 1"
    owner, requests = rows(engine, sql)
    assert (owner.policyname, owner.cmd) == ("of_owner", "ALL")
    assert (requests.policyname, requests.roles) == ("of_requests", ["imdb_api"])
    rights = (
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE table_name = 'awards' AND grantee = "
    )
    assert rows(engine, f"{rights}'imdb_api'") == [("SELECT",)]
    run(project, "alembic", "check", database_url=settings.database_url)  # nothing is left to migrate

    run(project, "alembic", "downgrade", "-1", database_url=settings.database_url)
    assert awards(engine) == []
    run(project, "alembic", "upgrade", "head", database_url=settings.database_url)
    assert awards(engine) == [(True, True)]


def test_a_name_that_is_no_slug_is_refused(server: object) -> None:
    assert server
    command = [sys.executable, "-m", "tools.new_migration", "A name"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "small letters" in done.stderr
