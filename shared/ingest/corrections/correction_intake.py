"""Takes corrections in: files like any other, with a column that says which rejected record each record corrects.

A correction is an upload of its own with a state, a history and rejects. Its rows become rows of the upload that it
corrects (`correction_loading`). It is one batch and one transaction, so its size is limited.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection, select

from shared.catalog.recognition.candidate import Candidate
from shared.catalog.recognition.names import unique_names
from shared.catalog.registry import MOST_COLUMNS, Registry
from shared.catalog.sample import Sample
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.dialect import Dialect
from shared.csv.sniffing.sniff import HeaderMatcher
from shared.csv.unreadable import HeaderMismatch
from shared.database.models import Upload
from shared.database.state_machine import UploadState
from shared.errors import NotFound, StateConflict
from shared.ingest.corrections.rejects_spreadsheet import dialect_of_sheet, own_names
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.registration import Registered, UploadOptions, register
from shared.ingest.rejects_columns import LINE_COLUMN, REJECT_COLUMNS, SHEET_COLUMNS, SHEET_LINE_COLUMN
from shared.messaging import Transport
from shared.settings import MIB, Settings

MOST_BYTES: Final = 32 * MIB
_OURS: Final = frozenset((*REJECT_COLUMNS, *SHEET_COLUMNS))


@dataclass(frozen=True, slots=True)
class Correctable:
    """What a correction must know about the upload that it corrects."""

    id: uuid.UUID
    number: int
    state: str
    dataset: str
    transport: Transport
    is_correction: bool
    is_superseded: bool
    dialect: Dialect
    # name in the header -> name of the dataset's column; empty for uploads of earlier versions
    mapping: dict[str, str]
    schema: TableSchema


def find_correctable(connection: Connection, upload_id: uuid.UUID, tenant: str) -> Correctable:
    """Find the upload, in any state; raises `NotFound`."""
    wanted = select(
        Upload.number,
        Upload.state,
        Upload.dataset,
        Upload.transport,
        Upload.corrects,
        Upload.superseded_by,
        Upload.dialect,
        Upload.columns,
        Upload.table_schema,
    )
    row = connection.execute(wanted.where(Upload.id == upload_id, Upload.tenant == tenant)).one_or_none()
    if row is None:
        raise NotFound("there is no such upload")
    return Correctable(
        id=upload_id,
        number=row.number,
        state=row.state,
        dataset=row.dataset,
        transport=Transport(row.transport),
        is_correction=row.corrects is not None,
        is_superseded=row.superseded_by is not None,
        dialect=Dialect.from_json(row.dialect),
        mapping=(row.columns or {}).get("mapped", {}),
        schema=TableSchema.from_json(row.table_schema),
    )


def limited(settings: Settings) -> Settings:
    """The settings for the intake of a correction: its size is limited, and it is one batch."""
    most_bytes = min(MOST_BYTES, settings.max_upload_bytes)
    return settings.model_copy(update={"max_upload_bytes": most_bytes, "small_upload_bytes": most_bytes})


@dataclass(frozen=True)
class CorrectionHeader(HeaderMatcher):
    """Matches the header of a correction of this dataset: our columns, and its own.

    `mapping` and `schema`: those of the corrected upload, all of whose columns the correction needs, too. Otherwise a
    misspelled name would put null in the place of each of its values.
    """

    registry: Registry
    dataset: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    schema: TableSchema = field(default_factory=TableSchema)
    most_columns: int = MOST_COLUMNS

    def names(self, header: Sequence[str]) -> list[str]:
        """A name of its own for each column; our columns keep theirs."""
        ours = [name for name in header if name in _OURS]
        return [*ours, *unique_names(header[len(ours) :])] if list(header[: len(ours)]) == ours else list(header)

    def match(self, header: Sequence[str]) -> Candidate:
        """The dataset; raises `HeaderMismatch`."""
        if (LINE_COLUMN in header) == (SHEET_LINE_COLUMN in header):
            message = f"the header lacks {LINE_COLUMN}, the line of each rejected record; download the rejects as CSV"
            raise HeaderMismatch(message, {"missing": [LINE_COLUMN], "found": [name[:100] for name in header[:100]]})
        repeated = sorted({name for name in {*REJECT_COLUMNS, *SHEET_COLUMNS} if header.count(name) > 1})
        if repeated:
            raise HeaderMismatch(f"the header names a column twice: {', '.join(repeated)}", {"repeated": repeated})
        own = own_names(header)
        mapping = {name: column for name, column in self.mapping.items() if name in own}
        found = self.registry.recognise(own, self.dataset, mapping=mapping)
        missing = sorted(set(self.mapping.values()) - set(found.columns.mapped.values()))
        if missing:
            message = f"the header lacks columns of the corrected file: {', '.join(missing)}"
            raise HeaderMismatch(message, {"missing": missing, "found": [name[:100] for name in header[:100]]})
        fields = {name: item for name, item in self.schema.fields.items() if name in found.columns.mapped}
        return replace(found, schema=replace(self.schema, fields=fields))

    def decide(self, header: Sequence[str], _rows: Sample) -> Candidate:
        """The dataset; the corrected upload has decided how its values are read."""
        return self.match(header)

    def distance(self, header: Sequence[str]) -> float:
        """How far the header is from the dataset, 0 to 1."""
        return 1 - self.registry.candidates(header, name=self.dataset)[0].closeness

    def dialect_of(self, header: Sequence[str], dialect: Dialect) -> Dialect:
        """The dialect of files for spreadsheets, if this is one; otherwise the given dialect."""
        return dialect_of_sheet(header, dialect)


def register_correction(
    connection: Connection, staged: StagedFile, options: UploadOptions, correctable: Correctable
) -> Registered:
    """Write the correction and its batch as `register` does.

    Raises `StateConflict` and errors of SQLAlchemy.
    """
    now = find_correctable(connection, correctable.id, options.tenant)
    if now.is_correction:
        raise StateConflict(
            "the upload is itself a correction; correct the upload that it corrects", {"state": now.state}
        )
    if now.state != UploadState.COMPLETED:
        raise StateConflict(
            f"the upload is {now.state}; its rejects can be corrected only when it is completed",
            {"state": now.state, "allowed": [UploadState.COMPLETED]},
        )
    if now.is_superseded:
        raise StateConflict(
            "the upload was replaced by a later one; its rejects cannot be corrected any more", {"state": now.state}
        )
    return register(connection, staged, replace(options, forced=True, corrects=now.number))
