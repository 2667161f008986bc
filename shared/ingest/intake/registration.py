"""Makes an upload of a staged file: one row with its batches, in the caller's transaction."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from shared.catalog.schemas.declaration import Declaration
from shared.catalog.schemas.inference import name_of_file
from shared.catalog.write_mode import WriteMode
from shared.csv.file_warnings import MESSAGES, FileWarning
from shared.database.declarations import declare, find_declared
from shared.database.engine import PlainSql
from shared.database.models import (
    Batch,
    Collection,
    Upload,
    UploadKind,
    large_first_ids,
    small_first_ids,
    upload_numbers,
)
from shared.database.record_ids import TAKE_RANGE
from shared.database.state_machine import KEPT_STATES, UNPUBLISHED_STATES
from shared.errors import DatasetExists, DatasetGone, KeyMissing
from shared.ingest.intake.file_intake import StagedFile
from shared.ingest.intake.reject_budget import Budget
from shared.messaging import Transport

_COPIED_FIELDS: Final = (
    *("filename", "member", "header", "storage_key", "size_bytes", "sha256", "content_bytes", "header_bytes"),
)

_MOST_NAMES: Final = 1_000
_FK_DECLARATION: Final = "fk_uploads_declaration"
# A file may have been forced in any number of times.
_MOST_EARLIER: Final = 100


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What the client asked for. `forced`: load the file even though it was loaded before.

    `taken_names`: those of built-in datasets, which a dataset that is inferred cannot have.
    """

    tenant: str
    transport: Transport
    trace_id: str
    forced: bool = False
    budget: Budget = field(default_factory=Budget)
    # number of the upload whose rejected records the file corrects
    corrects: int | None = None
    # what it does to the rows before it; None: what its dataset says
    mode: WriteMode | None = None
    # load it, count what it would change, and wait
    plan: bool = False
    kind: UploadKind = UploadKind.FILE
    taken_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Registered:
    """An upload.

    `deduplicated`: it is an earlier upload of the same bytes, so the staged file is not needed.
    """

    upload_id: uuid.UUID
    deduplicated: bool


def register(connection: Connection, staged: StagedFile, options: UploadOptions) -> Registered:
    """Write the upload and its batches: once that is committed, the upload cannot get lost.

    If the tenant has an active or completed upload of the same bytes that is loaded in the same way, this returns that
    one instead; of others it warns. To replace or to upsert with the same bytes does nothing only as long as nothing
    else was published since. Raises `KeyMissing` and errors of SQLAlchemy.
    """
    if staged.inferred is not None:
        staged = _declared(connection, staged, staged.inferred, options)
    mode = _mode(staged, options)
    number, key = None, _options_key(staged, options, mode)
    while number is None:
        earlier = connection.execute(_same_content(staged, options)).all() if options.kind is UploadKind.FILE else []
        alike = [found for found in earlier if found.options_key in ("", key) and found.dataset == staged.dataset.name]
        same = [found for found in alike if mode is WriteMode.APPEND or found.is_latest]
        if same and not options.forced:
            return Registered(same[0].id, deduplicated=True)
        warnings = [*staged.warnings, *(_loaded_before(found.id) for found in earlier[:1])]
        again = replace(options, mode=mode, forced=options.forced or bool(alike))
        number = _insert_upload(connection, staged, again, key, warnings)
    rows = [asdict(span) | {"upload_number": number, "number": position} for position, span in enumerate(staged.spans)]
    if rows:
        connection.execute(insert(Batch), rows)
    return Registered(connection.scalars(select(Upload.id).where(Upload.number == number)).one(), deduplicated=False)


def _declared(connection: Connection, staged: StagedFile, inferred: Declaration, options: UploadOptions) -> StagedFile:
    """The file as one of a dataset that is declared for it, or was for a file of the same name and columns."""
    stem, tenant = name_of_file(staged.filename), options.tenant
    names = (stem, *(f"{stem}_{number}" for number in range(2, _MOST_NAMES)))
    for name in (each for each in names if each not in options.taken_names):
        declaration = replace(inferred, name=name, title=name)
        found = find_declared(connection, tenant, name)
        if found is None and (made := declare(connection, tenant, declaration)) is not None:
            found = made, declaration
        number, stored = found or find_declared(connection, tenant, name) or (None, None)
        if number is not None and stored is not None and replace(stored, title=name, description="") == declaration:
            warnings = [*staged.warnings, _declared_now(name, staged.seen_records)]
            return replace(staged, dataset=declaration.dataset(number), warnings=warnings)
    raise DatasetExists(f"there are too many datasets called {stem}; declare one for the file")


def _insert_upload(
    connection: Connection, staged: StagedFile, options: UploadOptions, key: str, warnings: Sequence[FileWarning]
) -> int | None:
    """The new upload's number; None if another upload of the same content was registered at the same moment."""
    # A plan needs a table of its own, where its rows can wait.
    first_ids = small_first_ids if staged.is_small and not options.plan else large_first_ids
    PlainSql(connection).execute(TAKE_RANGE, tenant=options.tenant)
    values = {
        **{name: getattr(staged, name) for name in _COPIED_FIELDS},
        **asdict(options.budget),
        "number": connection.scalar(upload_numbers.next_value()),
        "first_id": connection.scalar(first_ids.next_value()),
        "dataset": staged.dataset.name,
        "table_name": staged.dataset.table.name,
        "declaration": staged.dataset.declaration,
        "dialect": staged.dialect.to_json(),
        "columns": staged.columns.to_json(),
        "table_schema": staged.table_schema.to_json(),
        "intake_warnings": [warning.to_json() for warning in warnings],
        "options_key": key,
        "tenant": options.tenant,
        "transport": options.transport,
        "trace_id": options.trace_id,
        "forced": options.forced,
        "mode": options.mode,
        "plan": options.plan,
        # Requests may not say what kind it is.
        **({} if options.kind is UploadKind.FILE else {"kind": options.kind}),
        "corrects": options.corrects,
        "notified_at": func.clock_timestamp(),
    }
    statement = postgresql.insert(Upload).values(values).on_conflict_do_nothing().returning(Upload.number)
    try:
        number: int | None = connection.scalar(statement)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != _FK_DECLARATION:
            raise
        raise DatasetGone(f"the dataset {staged.dataset.name} has been deleted in the meantime") from error
    return number


def _mode(staged: StagedFile, options: UploadOptions) -> WriteMode:
    if options.corrects is not None:
        return WriteMode.APPEND
    mode = options.mode or staged.dataset.mode
    if mode is WriteMode.UPSERT and not staged.dataset.table.key:
        raise KeyMissing(f"the dataset {staged.dataset.name} has no key by which records could be found again")
    return mode


def _options_key(staged: StagedFile, options: UploadOptions, mode: WriteMode) -> str:
    """A hash of all that decides how the bytes are loaded: two ways to say the same give the same key."""
    decisive = [staged.dialect.to_json(), staged.member, staged.header, staged.columns.to_json()]
    decisive += [staged.table_schema.to_json(), asdict(options.budget)]
    if mode is not WriteMode.APPEND:
        decisive.append(mode)
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _same_content(staged: StagedFile, options: UploadOptions) -> Select[uuid.UUID, str, str, bool]:
    mine = Upload.tenant == options.tenant, Upload.sha256 == staged.sha256
    loaded = Upload.state.in_(KEPT_STATES), Upload.corrects.is_(None), Upload.superseded_by.is_(None)
    latest = select(Collection.version).where(Collection.number == Upload.collection).scalar_subquery()
    is_latest = Upload.state.in_(UNPUBLISHED_STATES) | (Upload.version == latest)
    wanted = select(Upload.id, Upload.dataset, Upload.options_key, is_latest.label("is_latest"))
    return wanted.where(*mine, *loaded).order_by(Upload.number).limit(_MOST_EARLIER)


def _loaded_before(upload_id: uuid.UUID) -> FileWarning:
    return FileWarning("same_content", MESSAGES["same_content"].format(upload=upload_id))


def _declared_now(name: str, records: int) -> FileWarning:
    return FileWarning("dataset_declared", MESSAGES["dataset_declared"].format(name=name, records=records))
