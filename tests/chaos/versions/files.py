"""Files for collections that many uploads share: their keys overlap, and a value tells from which file it came.

Some values are the same in every file, so that some records of an upsert equal rows that are there. Some records repeat
a key of their file, and some are bad. What must become of each is read from the bytes.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from tests.chaos.seeds import stream

Mode = Literal["append", "replace", "upsert"]

_COMMON: Final = 0.3  # as many values are the same in every file
_REPEATED: Final = 0.02
_BAD: Final = 0.05
_FIRST_CORRECTION: Final = 1_000_000
_CORRECTION_HEADER: Final = "_line\t_column\t_code\t_message\t_hint"


@dataclass(frozen=True, slots=True)
class Collection:
    """A tenant's rows of one dataset, and how its files are made.

    `key_column` and `value_column` are those of the table; `value_index` is the place of the value in the file. Bad
    records have `bad_value` in `bad_column`. `sizes`: records from and to, of small and of large files.
    """

    tenant: str
    dataset: str
    table: str
    value_column: str
    header: str
    value_index: int
    bad_column: str
    bad_value: str
    keys: int
    sizes: tuple[tuple[int, int], ...]
    size_weights: tuple[int, ...]
    most_appended: int
    key_column: str = "source_id"


# All of its rows fit on a page, as long as few are appended.
RATINGS: Final = Collection(
    tenant="all-ratings",
    dataset="title.ratings",
    table="ratings",
    value_column="vote_count",
    header="tconst\taverageRating\tnumVotes",
    value_index=2,
    bad_column="averageRating",
    bad_value="11",
    keys=60,
    sizes=((1, 10), (10, 50)),
    size_weights=(50, 50),
    most_appended=5,
)
# Small uploads and large ones, from 1,500 records.
TITLES: Final = Collection(
    tenant="all-titles",
    dataset="title.basics",
    table="movies",
    value_column="title",
    header="tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres",
    value_index=2,
    bad_column="isAdult",
    bad_value="2",
    keys=3_000,
    sizes=((5, 300), (300, 1_000), (1_800, 2_900)),
    size_weights=(50, 20, 30),
    most_appended=2_500,
)
COLLECTIONS: Final = (RATINGS, TITLES)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must become: `records` line -> key and value, `repeated` line -> first line with its key, `bad`
    line -> column."""

    sha256: str
    records: dict[int, tuple[str, str]] = field(default_factory=dict)
    repeated: dict[int, int] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of the seed's `number`, for one collection."""

    number: int
    collection: Collection
    mode: Mode
    content: bytes
    expected: Expected

    @property
    def name(self) -> str:
        """As a client calls it."""
        return f"{self.collection.dataset}.tsv"


def make(seed: int, collection: Collection, number: int) -> VersionFile:
    """The file of this number, always the same."""
    chance = stream(seed, f"{collection.dataset}/{number}")
    mode: Mode = chance.choices(("append", "replace", "upsert"), (15, 25, 60))[0]
    ((fewest, most),) = chance.choices(collection.sizes, collection.size_weights)
    records = chance.randint(fewest, most)
    if mode == "append":
        records = min(records, collection.most_appended)
    keys = [_key(key) for key in chance.sample(range(collection.keys), records)]
    is_clean = chance.random() < 0.5
    lines = [_drawn(collection, key, number, chance, is_clean=is_clean) for key in keys]
    if not is_clean:
        again = chance.sample(keys, int(records * _REPEATED) or 1)
        lines += [_drawn(collection, key, number, chance, is_clean=True) for key in again]
        chance.shuffle(lines)
    # A first record that no other file has: its key is new to the collection, and no two files are alike.
    lines.insert(0, record(collection, f"tt{9_000_000 + number}", number))
    content = "".join(f"{line}\n" for line in (collection.header, *lines)).encode()
    return VersionFile(number, collection, mode, content, expect(content, collection))


def correct(seed: int, file: VersionFile) -> VersionFile:
    """The correction of all bad records of a file: they get keys that the file does not have."""
    number = _FIRST_CORRECTION + file.number
    taken = {key for key, _value in file.expected.records.values()}
    free = [key for key in map(_key, range(file.collection.keys)) if key not in taken]
    keys = stream(seed, f"{file.collection.dataset}/{file.number}/correction").sample(free, len(file.expected.bad))
    records = dict(zip(file.expected.bad, keys, strict=True))
    lines = [f"{line}\t\t\t\t\t{record(file.collection, key, number)}" for line, key in records.items()]
    content = "".join(f"{line}\n" for line in (f"{_CORRECTION_HEADER}\t{file.collection.header}", *lines)).encode()
    values = {line: (key, value_of(file.collection, key, number)) for line, key in records.items()}
    expected = Expected(hashlib.sha256(content).hexdigest(), values)
    return VersionFile(number, file.collection, file.mode, content, expected)


def value_of(collection: Collection, key: str, whose: int) -> str:
    """The value that tells whose a record is."""
    return record(collection, key, whose).split("\t")[collection.value_index]


def _key(number: int) -> str:
    return f"tt{number:07}"


def _drawn(collection: Collection, key: str, number: int, chance: Random, *, is_clean: bool) -> str:
    whose = 0 if chance.random() < _COMMON else number
    return record(collection, key, whose, is_bad=not is_clean and chance.random() < _BAD)


def record(collection: Collection, key: str, whose: int, *, is_bad: bool = False) -> str:
    """A record; all its values follow from the key and from whose it is."""
    drawn = zlib.crc32(f"{key}/{whose}".encode())
    if collection is RATINGS:
        rating = collection.bad_value if is_bad else str(drawn % 101 / 10)
        return f"{key}\t{rating}\t{whose}"
    title, year = f"From file {whose}", 1900 + drawn % 120
    adult = collection.bad_value if is_bad else "0"
    original = f"The original title of {key}, {drawn}"
    return f"{key}\tmovie\t{title}\t{original}\t{adult}\t{year}\t\\N\t{drawn % 200}\tDrama,Comedy"


def expect(content: bytes, collection: Collection) -> Expected:
    """Read the bytes as a person would, line by line."""
    expected = Expected(hashlib.sha256(content).hexdigest())
    bad_index = collection.header.split("\t").index(collection.bad_column)
    first_lines: dict[str, int] = {}
    for line, text in enumerate(content.decode().split("\n")[1:-1], start=2):
        cells = text.split("\t")
        if cells[bad_index] == collection.bad_value:
            expected.bad[line] = collection.bad_column
        elif cells[0] in first_lines:
            expected.repeated[line] = first_lines[cells[0]]
        else:
            first_lines[cells[0]] = line
            expected.records[line] = cells[0], cells[collection.value_index]
    return expected
