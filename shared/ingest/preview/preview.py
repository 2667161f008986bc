"""What the beginning of a file would become: its dialect, its dataset, the first records as they would load.

It uses the intake, the reader and the validation of uploads, in a storage that is deleted at once.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from shared.catalog.dataset import Dataset
from shared.catalog.registry import Registry
from shared.catalog.schemas.declaration import Declaration, stored_dataset
from shared.catalog.schemas.inference import name_of_file
from shared.csv.compression.codec import ANEW
from shared.csv.compression.unpacker import Unpacker
from shared.csv.reading.read import read_batch
from shared.csv.reading.records import Records
from shared.csv.sniffing.sniff import HeaderMatcher
from shared.csv.unreadable import CorruptArchive, UnreadableFile
from shared.database.arrow_schemas import JSONB_VERSION
from shared.database.models.collections import Collection
from shared.errors import InvalidSchema
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.headers import UnknownHeader, UploadHeader
from shared.ingest.preview.beginning import MOST_BYTES, Beginning
from shared.ingest.validation.validate import Validated, validate
from shared.ingest.work import Destination
from shared.settings import Settings
from shared.storage.opening import temporary_storage
from shared.storage.protocol import Storage

_SHOWN_RECORDS: Final = 20
_SHOWN_REJECTS: Final = 100
_SHOWN_CANDIDATES: Final = 5
_SAMPLE_RECORDS: Final = 60


def preview(beginning: Beginning, settings: Settings) -> dict[str, Any]:
    """What the file would become, as the API answers it; raises `UnreadableFile` if it is no table at all.

    `error`: why it would be refused. Then the rows are those of a dataset of its own, which `declaration` describes.
    """
    registry = Registry.built_in().with_declared(stored_dataset(*each) for each in beginning.declarations)
    text = _unpacked(beginning, settings.max_compression_ratio)
    with temporary_storage() as storage:
        matcher = UploadHeader(registry, beginning.dataset, beginning.mapping, beginning.schema)
        own, error = _own(storage, settings, beginning, text), None
        try:
            staged = _staged(storage, settings, beginning, text, matcher)
        except (UnreadableFile, InvalidSchema) as refusal:
            staged, error = own, refusal
        declaration = _declaration(own, beginning.filename)
        dataset = declaration.dataset(0) if staged is own else staged.dataset
        records = _records(storage, staged)
    sample = [list(row.values()) for row in records.table.slice(0, _SAMPLE_RECORDS).to_pylist()]
    rows = [["" if cell is None else cell for cell in row] for row in sample]
    candidates = registry.candidates(staged.header, rows, beginning.dataset)
    validated = _validated(dataset, staged, records)
    return {
        "dataset": None if staged is own else dataset.name,
        "error": None if error is None else {"code": error.code, "message": error.message, **error.fields},
        "candidates": [candidate.describe() for candidate in candidates[:_SHOWN_CANDIDATES] if candidate.closeness],
        "declaration": declaration.to_json(),
        "dialect": staged.dialect.to_json(),
        "header": staged.header,
        "columns": staged.columns.to_json(),
        "table_schema": staged.table_schema.to_json(),
        "records": {"read": validated.read, "rejected": validated.rejected},
        "rows": list(_rows(dataset, validated)),
        "rejects": [_reject(each) for each in validated.rejects.slice(0, _SHOWN_REJECTS).to_pylist()],
        "warnings": [warning.to_json() for warning in (*staged.warnings, *validated.warnings)],
    }


def _unpacked(beginning: Beginning, most_ratio: int) -> bytes:
    """The content, up to the end of its last whole line if some of the file is missing."""
    unpacker = Unpacker(beginning.filename, most_ratio, beginning.member)
    parts: list[bytes] = []
    try:
        for part in unpacker.feed(beginning.content):
            parts = [] if part == ANEW else [*parts, part]
            if sum(map(len, parts)) > MOST_BYTES:
                break
        else:
            if beginning.is_whole:
                unpacker.finish()
                return b"".join(parts)
    except CorruptArchive:  # it is cut off
        if not parts:
            raise
    content = b"".join(parts)[:MOST_BYTES]
    end = content.rfind(b"\n") + 1
    # The line feed of UTF-16 and UTF-32 has zeros behind it.
    return content[: end + (len(content[end:]) - len(content[end:].lstrip(b"\0")))] if end else content


def _staged(
    storage: Storage, settings: Settings, beginning: Beginning, text: bytes, matcher: HeaderMatcher
) -> StagedFile:
    intake = FileIntake(storage, settings, "preview.csv", beginning.options, matcher)
    try:
        intake.feed(text)
        return intake.finish()
    except BaseException:
        intake.abort()
        raise


def _own(storage: Storage, settings: Settings, beginning: Beginning, text: bytes) -> StagedFile:
    """The file as a dataset of its own, with what the client says of its fields, if it is of these fields."""
    try:
        return _staged(storage, settings, beginning, text, UnknownHeader(beginning.schema))
    except InvalidSchema:
        return _staged(storage, settings, beginning, text, UnknownHeader())


def _declaration(staged: StagedFile, filename: str) -> Declaration:
    assert staged.inferred is not None
    name = name_of_file(filename)
    return Declaration.parse(staged.inferred.to_json() | {"name": name, "title": name})


def _records(storage: Storage, staged: StagedFile) -> Records:
    first = staged.spans[0]
    data = storage.read(staged.storage_key, first.byte_start, first.byte_end)
    return read_batch(data, first.first_line, staged.dialect, staged.header, first.byte_start, first.header)


def _validated(dataset: Dataset, staged: StagedFile, records: Records) -> Validated:
    collection = Collection(number=0, tenant="", dataset=dataset.name, table_name=dataset.table.name, branch="")
    destination = Destination(dataset.table, collection, copy_to="", first_id=0, leaf="")
    applied = staged.table_schema.applied(dataset, staged.columns)
    return validate(records, applied, staged.columns, destination, upload_number=0)


def _rows(dataset: Dataset, validated: Validated) -> Iterator[dict[str, Any]]:
    names = dataset.table.origin_names
    for row in validated.rows.slice(0, _SHOWN_RECORDS).to_pylist():
        fields = {name: row[field.name] for name, field in dataset.table.readable.items()}
        extra = None if row["extra"] is None else json.loads(row["extra"].removeprefix(JSONB_VERSION))
        yield {**fields, names["line"]: row["id"], names["extra"]: extra}


def _reject(reject: dict[str, Any]) -> dict[str, Any]:
    shown = {name: reject[name] for name in ("line_number", "code", "message", "value")}
    return {**shown, "column": reject["column_name"]}
