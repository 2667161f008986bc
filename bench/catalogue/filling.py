"""The catalogue, loaded over HTTP by the product; and the plain service's tables, filled from those of the product."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from bench import generate
from bench.catalogue import files
from bench.contenders.plain_models import ROWS_OF, SCHEMA, Base
from bench.database import Database, WrongSums
from bench.plan import Plan
from bench.stand import Stand

_TITLE_PARTS: Final = 8
_FILM_PARTS: Final = 2
_NO_WORD: Final = "xqzwj"
# What `movies` is read together with.
_TABLES: Final = ("movies", "people", "credits", "ratings")


@dataclass(frozen=True)
class Catalogue:
    """Numbers of rows: `titles` are IMDb's, `films` TMDB's."""

    titles: int
    films: int
    ratings: int
    people: int
    credits: int

    @classmethod
    def of(cls, plan: Plan) -> "Catalogue":
        """Ten times as many movies as the movies file of the plan has."""
        rows = plan.rows
        return cls(_TITLE_PARTS * rows, _FILM_PARTS * rows, rows, rows, files.CREDITS_A_TITLE * rows)

    @property
    def movies(self) -> int:
        """All of the table."""
        return self.titles + self.films


def fill(stand: Stand, catalogue: Catalogue) -> None:
    """Load all files, as their publishers offer them: each dataset is one. Then wait until their words are indexed.

    The tables are vacuumed then, as autovacuum does it soon after a load.
    """
    each = catalogue.titles // _TITLE_PARTS
    _load(stand, "title.basics", _joined(files.titles, each, _TITLE_PARTS))
    _load(stand, "tmdb_movies", _joined(files.films, each, _FILM_PARTS))
    _load(stand, "title.ratings", files.ratings(catalogue.ratings, catalogue.titles))
    _load(stand, "name.basics", files.people(catalogue.people, catalogue.titles))
    _load(stand, "title.principals", files.credits_of_titles(catalogue.credits, catalogue.people))
    begun = time.perf_counter()
    wait_for_words(stand)
    print(f"  indexed the words: {time.perf_counter() - begun:.1f} s later", flush=True)
    for table in _TABLES:
        stand.database.query(f"VACUUM {table}")
    _require_counts(stand.database, catalogue)


def wait_for_words(stand: Stand) -> None:
    """Until the words of all movies are indexed, which happens in the background."""
    while not stand.client.get("/search", {"q": _NO_WORD})["total_is_exact"]:
        time.sleep(1)


def fill_plain(database: Database) -> None:
    """Fill the plain tables, index them, analyze them; each has the same rows as the product's."""
    database.query(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    database.query(f"CREATE SCHEMA {SCHEMA}")
    for name, rows in ROWS_OF.items():
        begun = time.perf_counter()
        table = Base.metadata.tables[f"{SCHEMA}.{name}"]
        database.query(f"CREATE TABLE {table.fullname} AS {rows}")
        for statement in _constraints(table):
            database.query(statement)
        print(f"  filled {table.fullname}: {time.perf_counter() - begun:.1f} s", flush=True)
    for name in ROWS_OF:
        database.query(f"VACUUM ANALYZE {SCHEMA}.{name}")


def _joined(lines: Callable[[int, int], Iterator[str]], rows: int, parts: int) -> Iterator[str]:
    """The lines of several files as one."""
    for number in range(parts):
        part = lines(rows, number)
        header = next(part)
        if number == 0:
            yield header
        yield from part


def _load(stand: Stand, dataset: str, lines: Iterator[str]) -> None:
    path = stand.stack.data_dir / "fill.csv"
    generate.write(path, lines)
    done = stand.client.finish(stand.client.send_file(path, use_celery=True, dataset=dataset, mode="append"))
    path.unlink()
    stand.forget_files()
    rows = done.document["records"]["loaded"]
    print(f"  loaded {rows:,} rows of {dataset}: {done.load_seconds:.2f} s", flush=True)


def _require_counts(database: Database, catalogue: Catalogue) -> None:
    """No row of the files is bad."""
    expected = (catalogue.movies, catalogue.people, catalogue.credits, catalogue.ratings)
    found = tuple(database.query(f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES)
    if found != expected:
        raise WrongSums(f"the catalogue has {found} rows instead of {expected}")


def _constraints(table: Table) -> Iterator[str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    yield f"ALTER TABLE {table.fullname} ADD PRIMARY KEY ({', '.join(table.primary_key.columns.keys())})"
    for column in table.columns:
        for key in column.foreign_keys:
            target = key.column.table.fullname
            yield f"ALTER TABLE {table.fullname} ADD FOREIGN KEY ({column.name}) REFERENCES {target}"
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield str(CreateIndex(index).compile(dialect=dialect))
