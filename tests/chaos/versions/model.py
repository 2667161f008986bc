"""What readers must see of a collection after each of its versions, in plain Python.

An upload states once, when it is published, which rows it adds and which it hides: all, those with a key, or single
ones. Readers see what is left if the uploads that count do so one after the other. To undo one is to leave it out.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.chaos.versions.files import Mode


class Row(NamedTuple):
    """A row of an upload, by the upload's id and the line in its file."""

    upload: str
    line: int
    key: str
    value: str


Records = Mapping[int, tuple[str, str]]
Present = dict[str, list[Row]]  # by key


def digest_of(rows: Iterable[Row]) -> bytes:
    """Equal for equal rows, in any order."""
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).digest()


@dataclass(frozen=True, slots=True)
class State:
    """What readers see of a version."""

    rows: frozenset[Row]
    digest: bytes


@dataclass(slots=True)
class Published:
    """An upload: what it adds, what it hides of those before it, and what it has changed when it was published."""

    upload: str
    mode: Mode
    adds: list[Row] = field(default_factory=list)
    hides_keys: set[str] = field(default_factory=set)
    hides_rows: set[Row] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Model:
    """The uploads that count, in the order in which they were published."""

    uploads: list[Published] = field(default_factory=list)
    present: Present = field(default_factory=dict)
    superseded: dict[Row, str] = field(default_factory=dict)  # and the first upload that has superseded it

    @property
    def state(self) -> State:
        """What readers see now."""
        rows = frozenset(row for rows in self.present.values() for row in rows)
        return State(rows, digest_of(rows))

    def publish(self, upload: str, mode: Mode, records: Records) -> Published:
        """One more upload, the latest; `records` has each key once."""
        published = _stated(self.present, upload, mode, records)
        self.uploads.append(published)
        self._do(published)
        return published

    def undo(self, upload: str) -> None:
        """Leave it out."""
        self.uploads = [each for each in self.uploads if each.upload != upload]
        self._do_all()

    def correct(self, upload: str, records: Records) -> None:
        """Records join an upload: they are as old as it is."""
        for each in self.uploads:
            if each.upload == upload:
                each.adds += [Row(upload, line, key, value) for line, (key, value) in records.items()]
                if each.mode == "upsert":
                    each.hides_keys.update(key for key, _value in records.values())
        self._do_all()

    def _do_all(self) -> None:
        self.present, self.superseded = {}, {}
        for each in self.uploads:
            self._do(each)

    def _do(self, published: Published) -> None:
        hidden = list(published.hides_rows)
        keys = list(self.present) if published.mode == "replace" else published.hides_keys
        for key in keys:
            hidden += self.present.get(key, [])
        for row in hidden:
            if row in self.present.get(row.key, []):
                self.present[row.key].remove(row)
                self.superseded[row] = published.upload
        for row in published.adds:
            self.present.setdefault(row.key, []).append(row)


def _stated(present: Present, upload: str, mode: Mode, records: Records) -> Published:
    published = Published(upload, mode)
    changes = dict.fromkeys(("new", "changed", "unchanged"), 0)
    kept = 0  # rows of those before it that no record changes and that stay, or have an equal one in their place
    for line, (key, value) in records.items():
        before = present.get(key, []) if mode != "append" else []
        equal = [row for row in before if row.value == value]
        changes["unchanged" if equal else "changed" if before else "new"] += 1
        kept += len(equal) if equal else 1 if before else 0
        if mode != "upsert" or not equal:
            published.adds.append(Row(upload, line, key, value))
        if mode == "upsert" and equal:
            published.hides_rows.update(row for row in before if row.value != value)
        elif mode == "upsert":
            published.hides_keys.add(key)
    keys = {key for key, _value in records.values()} if mode == "upsert" else set(present)
    touched = 0 if mode == "append" else sum(len(present.get(key, [])) for key in keys)
    published.counts = changes | {"removed": touched - kept}
    return published
