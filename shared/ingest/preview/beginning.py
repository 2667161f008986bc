"""The beginning of a file, for a preview: it is apart from the preview, which needs pandas and pandera."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.sniffing.sniff import TextOptions

MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Beginning:
    """The first bytes of a file, and what the client says about it; see `UploadHeader`.

    `declarations`: numbers and documents of the tenant's own datasets. `is_whole`: nothing of the file is missing.
    """

    content: bytes
    is_whole: bool
    filename: str
    options: TextOptions
    member: str | None
    dataset: str | None
    mapping: Mapping[str, str]
    schema: TableSchema
    declarations: Sequence[tuple[int, str]]
