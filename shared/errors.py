"""Every error that the platform raises on purpose.

    IngestError                      code, message; fields go to the log and into problem+json
    |-- Permanent                    trying again would not help
    |   |-- InvalidRequest           the client asked for something that cannot be
    |   |   |-- NotFound
    |   |   |-- StateConflict        the upload's state forbids the action
    |   |   |-- FileExpired          the stored file was removed after its time
    |   |   |-- KeyInUse             a request with this Idempotency-Key is still running
    |   |   |-- KeyReused            this Idempotency-Key was used for another request
    |   |   `-- TooLarge
    |   |       `-- GzipRatioTooHigh a little gzip that unpacks to a lot
    |   |-- UnreadableFile           the file as a whole cannot be loaded
    |   |   |-- EmptyFile            no header, or a header and no record
    |   |   |-- CorruptGzip          damaged, or cut off
    |   |   |-- UnsupportedFile      not CSV or TSV by name or by content
    |   |   |-- HeaderMismatch       columns are missing, or no dataset fits
    |   |   `-- NoSoundRecord        none of the first records can be read
    |   |-- StoredFileDamaged        the stored file is gone, or not what was received
    |   |-- MendedUploadEnded        the upload whose rejects were mended is not completed any more
    |   |-- TooManyRejects           more rejected records than the upload's budget allows
    |   `-- AccountMismatch          the loader cannot prove that every record is accounted for
    `-- Transient                    trying again would help
        |-- LostLease                another loader has the work now
        |   `-- UploadEnded          it was cancelled, failed or undone meanwhile
        `-- Unavailable              database, broker or disk is not there
            `-- StorageFull          no space for the upload

Codes are stable and part of the public contract; HTTP numbers live in `api/errors.py` only. Arguments are positional
so that an error survives pickling.
"""

from typing import Any, ClassVar


class IngestError(Exception):
    """Base of all; `fields` are safe to show to the client (no SQL, no paths, no row contents)."""

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


class NotFound(InvalidRequest):
    """Nothing of that name for this tenant."""

    code = "not_found"


class StateConflict(InvalidRequest):
    """The upload's state forbids the action."""

    code = "state_conflict"


class FileExpired(InvalidRequest):
    """The stored file is no longer kept."""

    code = "file_expired"


class KeyInUse(InvalidRequest):
    """A request with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"


class KeyReused(InvalidRequest):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


class TooLarge(InvalidRequest):
    """More bytes than `max_upload_bytes`."""

    code = "upload_too_large"


class GzipRatioTooHigh(TooLarge):
    """The file unpacks to more than `max_gzip_ratio` times its size."""

    code = "gzip_ratio_too_high"


class UnreadableFile(Permanent):
    """The file as a whole cannot be loaded."""

    code = "unreadable_file"


class EmptyFile(UnreadableFile):
    """No header, or a header and not one record."""

    code = "empty_file"


class CorruptGzip(UnreadableFile):
    """The gzip stream is damaged or ends early."""

    code = "corrupt_gzip"


class UnsupportedFile(UnreadableFile):
    """Not a CSV or TSV, by its name or by its content."""

    code = "unsupported_file"


class HeaderMismatch(UnreadableFile):
    """The header lacks required columns, or fits no dataset."""

    code = "header_mismatch"


class NoSoundRecord(UnreadableFile):
    """None of the first records can be read."""

    code = "no_sound_record"


class StoredFileDamaged(Permanent):
    """The stored file is gone, or it is not what was received."""

    code = "stored_file_damaged"


class MendedUploadEnded(Permanent):
    """The upload whose rejects were mended is not completed any more."""

    code = "mended_upload_ended"


class TooManyRejects(Permanent):
    """More rejected records than the upload's budget allows."""

    code = "too_many_rejects"


class AccountMismatch(Permanent):
    """The loader cannot prove that every record of the file is accounted for."""

    code = "account_mismatch"


class Transient(IngestError):
    """Trying again would help."""

    code = "transient"


class LostLease(Transient):
    """Another loader has the work now; nothing of ours may be committed."""

    code = "lost_lease"


class UploadEnded(LostLease):
    """The upload was cancelled, failed or undone meanwhile: there is nothing to load any more."""

    code = "upload_ended"


class Unavailable(Transient):
    """The database, the broker or the disk is not there."""

    code = "unavailable"


class StorageFull(Unavailable):
    """The disk cannot take the upload."""

    code = "storage_full"
