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
    # what it replaced is kept, so that it can be undone
    is_kept: bool = True

    def hides(self, row: ModelRow) -> bool:
        """Whether it takes the place of an earlier row."""
        if not self.counts_for or row.upload.order >= self.order:
            return False
        return self.hides_all or row.key in self.hidden_keys or row in self.hidden_rows


@dataclass
class ModelCollection:
    """The uploads of a collection, in the order in which they were published.

    `looks`: what readers saw just after each was published, as long as that is known.
    """

    uploads: list[Published] = field(default_factory=list)
    looks: dict[Published, Counter[tuple[str, str]]] = field(default_factory=dict)

    def visible(self) -> list[ModelRow]:
        """The rows that readers see."""
        every = [row for upload in self.uploads if upload.counts_for for row in upload.rows]
        return [row for row in every if not any(upload.hides(row) for upload in self.uploads)]

    def contents(self) -> Counter[tuple[str, str]]:
        """Key and value of each visible row."""
        return Counter((row.key, row.value) for row in self.visible())

    def is_replaced(self, upload: Published) -> bool:
        """Whether a later upload has replaced it as a whole."""
        later = self.uploads[upload.order + 1 :]
        return any(other.hides_all and other.counts_for for other in later)

    def take_back(self, upload: Published) -> None:
        """Undo it. What was visible between its publication and now is no longer known."""
        upload.counts_for = False
        self._forget_looks(upload.order)

    def correct(self, upload: Published, key: str, value: str) -> None:
        """A record of the upload, which it had rejected, joins it."""
        upload.rows.append(ModelRow(key, value, upload))
        if upload.mode is WriteMode.UPSERT:
            upload.hidden_keys.add(key)
        self._forget_looks(upload.order)

    def prune(self) -> None:
        """What was superseded so far is no longer kept."""
        for upload in self.uploads:
            upload.is_kept = upload.mode is WriteMode.APPEND
        self.looks = {upload: look for upload, look in self.looks.items() if upload is self.uploads[-1]}

    def _forget_looks(self, order: int) -> None:
        self.looks = {upload: look for upload, look in self.looks.items() if upload.order < order}

    def changes(self, mode: WriteMode, values: Values) -> dict[str, int]:
        """The counts of an upload that would be published now."""
        published = self.publish(mode, values)
        self.uploads.pop()
        del self.looks[published]
        return published.counts

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
        self.looks[upload] = self.contents()
        return upload

    def write(self, key: str, value: str | None) -> Published:
        """Publish what a person makes of a record: with None it is removed.

        Whatever the rows were, it hides all of the key: what people write or remove stays, whatever is undone before.
        """
        before = [row for row in self.visible() if row.key == key]
        upload = Published(WriteMode.UPSERT, len(self.uploads), hidden_keys={key})
        is_changed = bool(before) and value is not None
        upload.counts = {"new": int(not before), "changed": int(is_changed), "unchanged": 0}
        upload.counts["removed"] = len(before) - int(is_changed)
        upload.rows = [] if value is None else [ModelRow(key, value, upload)]
        self.uploads.append(upload)
        self.looks[upload] = self.contents()
        return upload

    @staticmethod
    def _kept(rows: list[ModelRow], value: str) -> int:
        return sum(row.value == value for row in rows)
