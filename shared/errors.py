"""Every error that the platform raises on purpose, except those of a file that cannot be read (`csv.unreadable`).

    IngestError                      code, message; fields go to the log and into problem+json
    |-- Permanent                    trying again would not help
    |   |-- InvalidRequest           the request cannot be carried out
    |   |   |-- InvalidSchema        the schema for the file's values cannot be applied
    |   |   |-- InvalidRecord        a rule of the dataset forbids a value of a hand-made record
    |   |   |-- NotFound
    |   |   |   `-- NoDefaultFile    the tenant has no file to load again
    |   |   |-- StateConflict        the upload's state forbids the action
    |   |   |-- PlanStale            what is applied is not the plan as it is now
    |   |   |-- DatasetExists        the tenant has a dataset of this name, or too many
    |   |   |-- DatasetInUse         the dataset has uploads
    |   |   |-- KeyMissing           the dataset has no key, so nothing can be upserted
    |   |   |-- RecordExists         there is a record with the key of a new one
    |   |   |-- PreconditionFailed   the record is not the one that If-Match names
    |   |   |-- FileExpired          the stored file is no longer kept
    |   |   |-- HistoryExpired       what was visible or changed then is no longer known
    |   |   |-- KeyInUse             a request with this Idempotency-Key is still running
    |   |   |-- KeyReused            this Idempotency-Key was used for another request
    |   |   |-- TooLarge
    |   |   |   `-- ShotTooLarge     the picture has too many bytes, pixels or frames
    |   |   |-- UnsupportedPicture   the file is neither PNG nor JPEG nor WebP
    |   |   |-- UnreadablePicture    the picture cannot be decoded
    |   |   |-- TooManyShots         the movie or the tenant has as many shots as it may have
    |   |   |-- PullingOff           the service fetches no files by address
    |   |   |-- AddressForbidden     the service does not ask this address
    |   |   `-- SourceExists         the tenant has a source of this name, or too many
    |   |-- FetchRefused             the server of an address does not give the file
    |   |-- StoredFileCorrupt        the stored file is gone, or differs from what was stored
    |   |-- DatasetGone              the upload's dataset no longer exists
    |   |-- CorrectedUploadEnded     the upload that a correction corrects is no longer completed
    |   |-- TooManyRejects           more rejected records than the upload's budget allows
    |   |-- NothingLoaded            the upload has no valid record
    |   `-- RecordCountsMismatch     the record counts do not match what is stored
    `-- Transient                    trying again would help
        |-- LostLease                another loader has the work now
        |   `-- UploadEnded          the upload was cancelled, failed or undone in the meantime
        |-- FetchFailed              the file at an address cannot be fetched now
        `-- Unavailable              database, broker or storage does not answer
            |-- StorageFull          no space for the upload
            `-- LockTableFull        the database server has no room for another lock

Codes are stable and part of the public contract; HTTP status codes are in `api/http_errors.py` only. Arguments are
positional, so that an error survives pickling.
"""

from typing import Any, ClassVar


class IngestError(Exception):
    """Base of all errors; `fields` are safe to show to the client (no SQL, no paths, no row contents)."""

    code: ClassVar[str] = "ingest_error"

    def __init__(self, message: str, fields: dict[str, Any] | None = None) -> None:
        super().__init__(message, fields)
        self.message = message
        self.fields = fields or {}

    def __str__(self) -> str:
        return self.message


class Permanent(IngestError):
    """Trying again would not help."""

    code = "permanent"


class InvalidRequest(Permanent):
    """The request cannot be carried out as it is."""

    code = "invalid_request"


class InvalidSchema(InvalidRequest):
    """The schema for the file's values cannot be applied."""

    code = "invalid_schema"


class InvalidRecord(InvalidRequest):
    """A value of the record breaks a rule of its dataset."""

    code = "invalid_record"


class NotFound(InvalidRequest):
    """The tenant has nothing with this name."""

    code = "not_found"


class NoDefaultFile(NotFound):
    """The tenant has no default file."""

    code = "no_default_file"


class StateConflict(InvalidRequest):
    """The upload's state forbids the action."""

    code = "state_conflict"


class PlanStale(InvalidRequest):
    """The plan is not what it was."""

    code = "plan_stale"


class DatasetExists(InvalidRequest):
    """The tenant cannot declare this dataset: there is one of this name, or there are too many."""

    code = "dataset_exists"


class DatasetInUse(InvalidRequest):
    """The dataset has uploads."""

    code = "dataset_in_use"


class KeyMissing(InvalidRequest):
    """The dataset has no key, so a record cannot take the place of another one."""

    code = "key_missing"


class RecordExists(InvalidRequest):
    """There is a record with this key already."""

    code = "record_exists"


class PreconditionFailed(InvalidRequest):
    """The record is not the one that If-Match names."""

    code = "precondition_failed"


class FileExpired(InvalidRequest):
    """The stored file is no longer kept."""

    code = "file_expired"


class HistoryExpired(InvalidRequest):
    """What was visible or changed then is no longer known."""

    code = "history_expired"


class KeyInUse(InvalidRequest):
    """A request with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"


class KeyReused(InvalidRequest):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


class LimitReached(InvalidRequest):
    """The key or its tenant has reached a limit."""

    code = "limit_reached"


class TooLarge(InvalidRequest):
    """More bytes than `max_upload_bytes`."""

    code = "upload_too_large"


class ShotTooLarge(TooLarge):
    """The picture has too many bytes, pixels or frames."""

    code = "shot_too_large"


class UnsupportedPicture(InvalidRequest):
    """The file is neither a PNG nor a JPEG nor a WebP."""

    code = "unsupported_picture"


class UnreadablePicture(InvalidRequest):
    """The picture cannot be decoded."""

    code = "unreadable_picture"


class TooManyShots(InvalidRequest):
    """The movie, or its tenant, has as many shots as it may have."""

    code = "too_many_shots"


class PullingOff(InvalidRequest):
    """The service fetches no files by address."""

    code = "pulling_off"


class AddressForbidden(InvalidRequest):
    """The service does not ask this address."""

    code = "address_forbidden"


class SourceExists(InvalidRequest):
    """The tenant cannot have this source: there is one of this name, or there are too many."""

    code = "source_exists"


class FetchRefused(Permanent):
    """The server does not give the file."""

    code = "fetch_refused"


class StoredFileCorrupt(Permanent):
    """The stored file is gone, or differs from what was stored."""

    code = "stored_file_corrupt"


class DatasetGone(Permanent):
    """The upload's dataset no longer exists."""

    code = "dataset_gone"


class CorrectedUploadEnded(Permanent):
    """The upload whose rejects were corrected is no longer completed."""

    code = "corrected_upload_ended"


class TooManyRejects(Permanent):
    """More rejected records than the upload's budget allows."""

    code = "too_many_rejects"


class NothingLoaded(Permanent):
    """The upload has no valid record; its rejects say why."""

    code = "nothing_loaded"


class RecordCountsMismatch(Permanent):
    """The record counts do not match what is stored."""

    code = "record_counts_mismatch"


class Transient(IngestError):
    """Trying again would help."""

    code = "transient"


class LostLease(Transient):
    """Another loader has the work now; nothing of ours may be committed."""

    code = "lost_lease"


class UploadEnded(LostLease):
    """The upload was cancelled, failed or undone in the meantime: there is nothing left to load."""

    code = "upload_ended"


class FetchFailed(Transient):
    """The file at the address cannot be fetched now."""

    code = "fetch_failed"


class Unavailable(Transient):
    """The database, the broker or the storage does not answer."""

    code = "unavailable"


class StorageFull(Unavailable):
    """The storage has no room for the upload."""

    code = "storage_full"


class LockTableFull(Unavailable):
    """The database server has no room for another lock."""

    code = "lock_table_full"
