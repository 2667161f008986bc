"""Which member of an archive is the table. Members are seen one after the other, and content is never kept back."""

from typing import Final

from shared.csv.compression.foreign import refuse_office_member
from shared.csv.compression.tables import TABLE_ENDINGS, likelihood
from shared.csv.unreadable import MemberNotFound, SeveralTables, UnsupportedFile

_MOST_LISTED: Final = 100
_MOST_NAMED: Final = 10  # in a message


class Choice:
    """The client's choice, or the only member that is likeliest a table.

    A likelier member that comes later replaces the one before: `notes.txt` is the table only if there is no
    `movies.csv`.
    """

    def __init__(self, wanted: str | None) -> None:
        """`wanted`: the whole name of the member that the client asks for."""
        self._wanted = wanted
        self._likelihood = 0
        self._tables: list[str] = []  # of this likelihood
        self._names: list[str] = []

    @property
    def table(self) -> str | None:
        """The member that is the table, after `finish`."""
        return self._tables[0] if self._tables else None

    def takes(self, name: str) -> bool:
        """Whether to read the next member; raises `UnsupportedFile` for spreadsheets and other documents."""
        refuse_office_member(name)
        if _is_hidden(name):
            return False
        if len(self._names) < _MOST_LISTED:
            self._names.append(name)
        found = likelihood(name) if self._wanted is None else 2 * (name == self._wanted)
        if found == 0 or found < self._likelihood:
            return False
        is_likelier = found > self._likelihood
        self._likelihood = found
        self._tables = [name] if is_likelier else self._tables
        if not is_likelier and len(self._tables) < _MOST_LISTED:
            self._tables.append(name)
        return is_likelier

    def finish(self) -> None:
        """Raise `SeveralTables`, `MemberNotFound` or `UnsupportedFile` unless one member is the table."""
        if len(self._tables) > 1:
            raise SeveralTables(
                f"the archive holds several tables: {_some(self._tables)}; name the one to load by `member`",
                {"members": self._tables},
            )
        if self._tables:
            return
        fields = {"members": self._names}
        if self._wanted is not None:
            found = f"the archive has no member of this name; it has {_some(self._names)}"
            raise MemberNotFound(found, {"member": self._wanted, **fields})
        endings = ", ".join(TABLE_ENDINGS)
        raise UnsupportedFile(
            f"the archive has no member that ends with {endings}; it has {_some(self._names)}", fields
        )


def _some(names: list[str]) -> str:
    others = ", ..." if len(names) > _MOST_NAMED else ""
    return (", ".join(names[:_MOST_NAMED]) or "none") + others


def _is_hidden(name: str) -> bool:
    """Whether it is a directory, or what a system adds for itself (`__MACOSX/`, `.DS_Store`)."""
    parts = name.replace("\\", "/").removeprefix("./").split("/")
    return not parts[-1] or any(part.startswith((".", "__MACOSX")) for part in parts)
