r"""Part `tables`: other tables than `movies`, each loaded by the product and by `\copy`, side by side.

The target of `\copy` has the columns of the table and all indexes of a leaf, that of the key included. Both must end
with the same rows: their number, and a sum of the hashes of all their values.
"""

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import data, generate
from bench.contenders.run import run as run_contender
from bench.data import LoadFile, Row
from bench.database import TARGET, WrongSums
from bench.loading import PSQL
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_most, median
from bench.stand import Stand
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import Declaration
from shared.catalog.search_words import key_of
from shared.catalog.table import Table as RowTable
from shared.database.partitions import create_indexes, create_key_index
from shared.database.record_ids import end_of
from shared.database.row_tables import column_definitions, stored_fields

_MANY_INDEXES: Final = 4
_CATEGORIES: Final = ("actor", "actress", "director", "writer", "producer", "cinematographer")
_MOVIE_FIELDS: Final[list[dict[str, Any]]] = [
    {"name": "budget", "type": "integer"},
    {"name": "homepage"},
    {"name": "original_language"},
    {"name": "original_title"},
    {"name": "overview"},
    {"name": "release_date", "type": "date"},
    {"name": "revenue", "type": "integer"},
    {"name": "runtime", "type": "integer"},
    {"name": "status"},
    {"name": "title", "constraints": {"required": True, "pattern": r".*\S.*"}},
    {"name": "vote_average", "type": "number", "constraints": {"minimum": 0, "maximum": 10}},
    {"name": "vote_count", "type": "integer"},
    {"name": "production_company_id", "type": "integer"},
    {"name": "genre_id", "type": "integer"},
    {"name": "languages", "type": "array"},
]
_MOVIE_INDEXES: Final = [
    ["original_language", "vote_average"],
    ["original_language", "release_date"],
    ["genre_id", "vote_average"],
    ["vote_average"],
    ["release_date"],
]


@dataclass(frozen=True)
class Case:
    """A file, and the table that it is loaded into."""

    label: str
    dataset: str
    table: RowTable
    file: LoadFile

    @property
    def indexes(self) -> int:
        """How many a leaf has, with those of the id and of the key."""
        return 1 + bool(self.table.key) + len(self.table.indexes)

    @property
    def most(self) -> float:
        """The target for T of the product ÷ that of `psql`: what is built after the rows costs less the more it is."""
        if Registry.built_in().find(self.dataset) is None:
            return 1.0
        return 0.60 if self.indexes >= _MANY_INDEXES else 0.90


def measure(stand: Stand, plan: Plan) -> Found:
    """Each case as often as the plan says, the two ways in turn."""
    rows, figures = list[list[str]](), list[Figure]()
    for case in _cases(stand, plan):
        ours, theirs = list[float](), list[float]()
        for run in range(plan.runs):
            case.file.warm()
            theirs.append(_copy(stand, case))
            ours.append(_load(stand, case))
            print(f"  run {run + 1}: {case.label:<40} {theirs[-1]:8.2f} s, {ours[-1]:8.2f} s", flush=True)
        ratio = median(ours) / median(theirs)
        label = f"T for {case.label}, Celery ÷ `psql \\copy` into the same table"
        figures.append(at_most(plan, label, ratio, case.most))
        rows.append(
            [
                case.label,
                f"{case.indexes}",
                f"{case.file.good_rows:,}",
                f"{median(theirs):.2f}",
                f"{median(ours):.2f}",
                f"{ratio:.2f}",
            ]
        )
    header = ["file", "indexes", "good rows", f"{PSQL}, s", "this service, s", "ratio"]
    return Found(figures, [Table("Other tables", header, rows, "Indexes: with those of the id and of the key.")])


def _cases(stand: Stand, plan: Plan) -> Iterator[Case]:
    registry = Registry.built_in()
    for name, count, lines, good in (
        ("title.principals", 3 * plan.rows, principals, _good_principals),
        ("name.basics", plan.rows, _names, _good_names),
    ):
        table = registry.get(name).table
        file = _file(f"{name}-{count}", ".tsv", count, lines, good, table)
        yield Case(f"{count:,} rows of {name}", name, table, file)
    movies = data.movies_file(plan.rows)
    numbered = [*_MOVIE_FIELDS, {"name": "row", "type": "integer"}]
    for name, fields, key, indexes in (
        ("declared", _MOVIE_FIELDS, [], _MOVIE_INDEXES),
        ("declared_key", numbered, ["row"], []),
    ):
        declaration = {"name": name, "schema": {"fields": fields, "primaryKey": key}, "indexes": indexes}
        answer = stand.client.declare(declaration)
        table = Declaration.parse(declaration).dataset(int(answer["table"]["name"][1:])).table
        path = _numbered(movies.path) if key else movies.path
        good_path = _declared_good(movies.path, table, is_numbered=bool(key))
        file = LoadFile(path, good_path, movies.rows, _columns(table), {"rows": movies.good_rows})
        what = "a key only" if key else "fifteen columns and five indexes"
        yield Case(f"{plan.rows:,} rows of a declared dataset, {what}", name, table, file)
        stand.client.delete(f"/datasets/{name}?cascade=true")


def _copy(stand: Stand, case: Case) -> float:
    database = stand.database
    database.query(f"DROP TABLE IF EXISTS {TARGET}")
    database.query(f"CREATE TABLE {TARGET} ({', '.join(column_definitions(case.table))})")
    database.query(f"ALTER TABLE {TARGET} ALTER COLUMN collection SET DEFAULT 1, ADD PRIMARY KEY (id)")
    for statement in (*create_key_index(case.table, TARGET, is_unique=True), *create_indexes(case.table, TARGET)):
        database.query(statement)
    stand.settle()
    return run_contender("psql_copy", case.file, stand.stack.database_url).seconds


def _load(stand: Stand, case: Case) -> float:
    stand.settle()
    done = stand.client.finish(stand.client.send_file(case.file.path, use_celery=True, dataset=case.dataset))
    [[first_id]] = stand.database.query("SELECT first_id FROM uploads WHERE number = %s", done.sent.number)
    ours = f"{case.table.name} WHERE id >= {first_id} AND id < {end_of(first_id)}"
    names = ", ".join(field.name for field in stored_fields(case.table) if field.name not in ("id", "collection"))
    sums = f"SELECT count(*), sum(hashtextextended(concat_ws('|', {names}), 0)::numeric) FROM "
    found, expected = stand.database.query(sums + ours), stand.database.query(sums + TARGET)
    if found != expected or found[0][0] != case.file.good_rows:
        raise WrongSums(f"{case.label}: {found} and {expected} differ")
    stand.database.query(f"DROP TABLE {TARGET}")
    stand.clear(done)
    return done.load_seconds


def _columns(table: RowTable) -> tuple[str, ...]:
    return tuple(field.name for field in stored_fields(table) if field.name != "collection")


def _file(
    name: str,
    suffix: str,
    rows: int,
    lines: Callable[[int], Iterator[str]],
    good: Callable[[int], Iterator[Row]],
    table: RowTable,
) -> LoadFile:
    path = data.kept(f"{name}{suffix}", lambda draft: generate.write(draft, lines(rows)))
    columns = _columns(table)
    good_path = data.kept(f"{name}.good.csv", lambda draft: _write(draft, columns, good(rows)))
    bad = rows // generate.ROWS_PER_BAD_ROW
    return LoadFile(path, good_path, rows, columns, {"rows": rows - bad})


def _write(path: Path, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
    """CSV as COPY reads it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([data.cell(row[name]) for name in columns])


def _is_bad(number: int) -> bool:
    return number % generate.ROWS_PER_BAD_ROW == 0


def _principal_rows(rows: int) -> Iterator[Row]:
    chance = random.Random(3)
    names = [f"Name {number}" for number in range(5_000)]
    for number in range(1, rows + 1):
        is_actor = number % 3 == 0
        yield {
            "id": data.FIRST_ID + number,
            "ordering": number % 10 + 1,
            "tenant": "public",
            "title_id": f"tt{number // 10:07}",
            "person_id": f"nm{chance.randint(1, 10**7):07}",
            "category": _CATEGORIES[number % len(_CATEGORIES)],
            "job": None if number % 5 else "original story",
            "characters": [chance.choice(names)] if is_actor else None,
        }


def principals(rows: int) -> Iterator[str]:
    """Lines of a title.principals file, header first, LF; each of about 45 bytes, one in a hundred is bad."""
    yield "tconst\tordering\tnconst\tcategory\tjob\tcharacters\n"
    for number, row in enumerate(_principal_rows(rows), 1):
        title = f"xx{number}" if _is_bad(number) else row["title_id"]
        characters = "\\N" if row["characters"] is None else f'["{row["characters"][0]}"]'
        cells = (title, str(row["ordering"]), row["person_id"], row["category"], row["job"] or "\\N", characters)
        yield "\t".join(cells) + "\n"


def _good_principals(rows: int) -> Iterator[Row]:
    return (row for number, row in enumerate(_principal_rows(rows), 1) if not _is_bad(number))


def _name_rows(rows: int) -> Iterator[Row]:
    chance = random.Random(4)
    for number in range(1, rows + 1):
        yield {
            "id": data.FIRST_ID + number,
            "birth_year": chance.randint(1880, 2005) if number % 3 else None,
            "death_year": chance.randint(2006, 2020) if number % 9 == 0 else None,
            "tenant": "public",
            "source_id": f"nm{number:07}",
            "name": (name := f"Person of number {chance.randint(1, 10**6)}"),
            "name_key": key_of(name),
            "more_words": None,  # nothing but words with spaces between
            "professions": [_CATEGORIES[number % len(_CATEGORIES)], "producer"],
            "known_for": [f"tt{chance.randint(1, 10**7):07}" for _ in range(number % 4 + 1)],
        }


def _names(rows: int) -> Iterator[str]:
    yield "nconst\tprimaryName\tbirthYear\tdeathYear\tprimaryProfession\tknownForTitles\n"
    for number, row in enumerate(_name_rows(rows), 1):
        person = f"xx{number}" if _is_bad(number) else row["source_id"]
        years = (str(row[name] or "\\N") for name in ("birth_year", "death_year"))
        lists = (",".join(row[name]) for name in ("professions", "known_for"))
        yield "\t".join((person, row["name"], *years, *lists)) + "\n"


def _good_names(rows: int) -> Iterator[Row]:
    return (row for number, row in enumerate(_name_rows(rows), 1) if not _is_bad(number))


def _numbered(path: Path) -> Path:
    """The movies file with a column `row`, which is different in each record."""

    def make(draft: Path) -> None:
        with path.open(encoding="utf-8", newline="") as source, draft.open("w", encoding="utf-8", newline="") as file:
            reader, writer = csv.reader(source), csv.writer(file)
            writer.writerow([*next(reader), "row"])
            writer.writerows([*record, number] for number, record in enumerate(reader, 1))

    return data.kept(f"numbered-{path.name}", make)


def _declared_good(path: Path, table: RowTable, *, is_numbered: bool) -> Path:
    columns = _columns(table)

    def rows() -> Iterator[Row]:
        with path.open(encoding="utf-8", newline="") as file:
            for number, record in enumerate(csv.DictReader(file), 1):
                if not _is_bad(number):
                    values = {field.name: _value(record.get(field.title), field.title) for field in table.fields}
                    extra = {f"c{len(_MOVIE_FIELDS) + 1}": number} if is_numbered else {}
                    yield {**values, **extra, "id": data.FIRST_ID + number, "tenant": "public"}

    return data.kept(f"{table.name}-{path.name}.good.csv", lambda draft: _write(draft, columns, rows()))


def _value(cell: str | None, name: str) -> Any:
    if name == "languages" and cell is not None:
        return [cell.removeprefix("['").removesuffix("']")]
    if name in ("budget", "revenue", "vote_count") and cell:
        return int(float(cell))
    return cell or None
