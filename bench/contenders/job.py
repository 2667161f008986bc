"""What a contender's process is told, and what it answers: JSON on standard input and output."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Job:
    """Load the CSV at `path`, with these columns, into `table`; `url` is libpq's, with the password."""

    url: str
    path: str
    columns: tuple[str, ...]
    table: str

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back."""
        document = json.loads(text)
        return cls(**{**document, "columns": tuple(document["columns"])})


@dataclass(frozen=True)
class Answer:
    """`seconds`: from the first byte read to the last commit; `peak_bytes`: of the process that loaded."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
