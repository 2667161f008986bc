"""What readers must see of a collection, after uploads of any mode and undos in any order: a model in plain Python.

It never moves a row. Each upload says once and for all which rows it adds and which it hides, when it is published; a
row is visible if its upload counts, and no upload that counts and is later hides it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.catalog.write_mode import WriteMode

Values = Mapping[str, str]


@dataclass(eq=False)
class ModelRow:
    """A row of an upload."""

    key: str
    value: str
    upload: "Published"


@dataclass(eq=False)
class Published:
    """An upload, what it adds, and what it hides of those before it: everything, keys, or single rows."""

    mode: WriteMode
    order: int
    rows: list[ModelRow] = field(default_factory=list)
    hides_all: bool = False
    hidden_keys: set[str] = field(default_factory=set)
    hidden_rows: set[ModelRow] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    counts_for: bool = True

    def hides(self, row: ModelRow) -> bool:
        """Whether it takes the place of an earlier row."""
        if not self.counts_for or row.upload.order >= self.order:
            return False
        return self.hides_all or row.key in self.hidden_keys or row in self.hidden_rows


@dataclass
class ModelCollection:
    """The uploads of a collection, in the order in which they were published."""

    uploads: list[Published] = field(default_factory=list)

    def visible(self) -> list[ModelRow]:
        """The rows that readers see."""
        every = [row for upload in self.uploads if upload.counts_for for row in upload.rows]
        return [row for row in every if not any(upload.hides(row) for upload in self.uploads)]

    def contents(self) -> Counter[tuple[str, str]]:
        """Key and value of each visible row."""
        return Counter((row.key, row.value) for row in self.visible())

    def publish(self, mode: WriteMode, values: Values) -> Published:
        """Publish an upload with these keys and values."""
        upload = Published(mode, len(self.uploads))
        before: dict[str, list[ModelRow]] = {}
        for row in self.visible():
            before.setdefault(row.key, []).append(row)
        new = [key for key in values if key not in before]
        equal = [key for key in values if any(row.value == values[key] for row in before.get(key, ()))]
        changed = [key for key in values if key in before and key not in equal]
        upload.counts = {"new": len(new), "changed": len(changed), "unchanged": len(equal), "removed": 0}
        if mode is WriteMode.APPEND:
            upload.counts = {"new": len(values), "changed": 0, "unchanged": 0, "removed": 0}
        elif mode is WriteMode.REPLACE:
            upload.hides_all = True
            rows = sum(map(len, before.values()))
            upload.counts["removed"] = rows - len(changed) - sum(self._kept(before[key], values[key]) for key in equal)
        else:
            upload.hidden_keys = {*new, *changed}
            upload.hidden_rows = {row for key in equal for row in before[key] if row.value != values[key]}
            upload.counts["removed"] = len(upload.hidden_rows) + sum(len(before[key]) - 1 for key in changed)
        added = [*new, *changed] if mode is WriteMode.UPSERT else list(values)
        upload.rows = [ModelRow(key, values[key], upload) for key in added]
        self.uploads.append(upload)
        return upload

    @staticmethod
    def _kept(rows: list[ModelRow], value: str) -> int:
        return sum(row.value == value for row in rows)
