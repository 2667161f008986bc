"""The API's own errors, and the HTTP status of every error. No other module names a status for an error.

`code` is stable and part of the public contract. The first sentence of a class's docstring is the problem's title.
"""

from typing import Final

from shared import errors
from shared.csv import unreadable

# Both kinds have a stable code, a message and fields.
CodedError = errors.IngestError | unreadable.UnreadableFile


class MalformedMultipart(errors.InvalidRequest):
    """The multipart body cannot be parsed."""

    code = "malformed_multipart"


class IncompleteBody(errors.InvalidRequest):
    """The connection ended before the body did."""

    code = "incomplete_body"


class TooSlow(errors.InvalidRequest):
    """The request did not arrive in time."""

    code = "too_slow"


class BodyTooLarge(errors.InvalidRequest):
    """The body of a request without a file is too large."""

    code = "body_too_large"


class MissingFile(errors.InvalidRequest):
    """The form must have exactly one part named `file`."""

    code = "file_part_required"


class FilenameRequired(errors.InvalidRequest):
    """The upload needs the name of the file."""

    code = "filename_required"


class UnsupportedMediaType(errors.InvalidRequest):
    """An upload cannot have this Content-Type or Content-Encoding."""

    code = "unsupported_media_type"


class UnknownDataset(errors.InvalidRequest):
    """There is no dataset with this name."""

    code = "unknown_dataset"


class InvalidMapping(errors.InvalidRequest):
    """The mapping of the file's columns cannot be applied."""

    code = "invalid_mapping"


class UnknownEncoding(errors.InvalidRequest):
    """The API cannot read files in this encoding."""

    code = "unknown_encoding"


class KeyRequired(errors.InvalidRequest):
    """The request needs an API key."""

    code = "key_required"


class KeyInvalid(KeyRequired):
    """The API key is not valid."""

    code = "key_invalid"


class KeyExpired(KeyRequired):
    """The API key has expired."""

    code = "key_expired"


class ScopeMissing(errors.InvalidRequest):
    """The API key does not allow such requests."""

    code = "scope_missing"


class TenantForbidden(errors.InvalidRequest):
    """The API key is not valid for this tenant."""

    code = "tenant_forbidden"


class ScheduleIncomplete(errors.InvalidRequest):
    """A source that starts at a time must say how often it is pulled."""

    code = "schedule_incomplete"


class TenantConflict(errors.InvalidRequest):
    """The header and the query parameter name different tenants."""

    code = "tenant_conflict"


class NeedsIndex(errors.InvalidRequest):
    """Without an index the database would take too long."""

    code = "needs_index"


class InvalidCursor(errors.InvalidRequest):
    """The cursor does not belong to this listing."""

    code = "invalid_cursor"


class InvalidMoment(errors.InvalidRequest):
    """`as_of` is not a moment of these rows."""

    code = "invalid_moment"


class PageTooDeep(errors.InvalidRequest):
    """Pages this deep are not available by number."""

    code = "page_too_deep"


class ReportTooLarge(errors.InvalidRequest):
    """The report would have too many lines."""

    code = "report_too_large"


class PreconditionRequired(errors.InvalidRequest):
    """The request must say which state of the record it is about."""

    code = "precondition_required"


class KeysRequiredHere(errors.InvalidRequest):
    """Without API keys, the API answers only clients on this machine."""

    code = "keys_required_here"


class HostNotAllowed(errors.InvalidRequest):
    """The API does not answer to this host name."""

    code = "host_not_allowed"


# The most specific class of an error decides.
STATUS_OF: Final[dict[type[CodedError], int]] = {
    MalformedMultipart: 400,
    IncompleteBody: 400,
    KeyRequired: 401,
    ScopeMissing: 403,
    TenantForbidden: 403,
    KeysRequiredHere: 403,
    errors.PullingOff: 403,
    errors.NotFound: 404,
    TooSlow: 408,
    errors.StateConflict: 409,
    errors.DatasetExists: 409,
    errors.DatasetInUse: 409,
    errors.KeyInUse: 409,
    errors.TooManyShots: 409,
    errors.RecordExists: 409,
    errors.SourceExists: 409,
    errors.FileExpired: 410,
    errors.HistoryExpired: 410,
    errors.DatasetGone: 410,
    errors.PlanStale: 412,
    errors.PreconditionFailed: 412,
    BodyTooLarge: 413,
    errors.TooLarge: 413,
    unreadable.CompressionRatioTooHigh: 413,
    UnsupportedMediaType: 415,
    unreadable.UnsupportedFile: 415,
    errors.UnsupportedPicture: 415,
    HostNotAllowed: 421,
    errors.InvalidRequest: 422,
    unreadable.UnreadableFile: 422,
    PreconditionRequired: 428,
    errors.LimitReached: 429,
    errors.LockTableFull: 500,
    errors.StorageFull: 507,
    errors.Transient: 503,
    errors.IngestError: 500,
}


def status_of(error: CodedError) -> int:
    """The HTTP status of one of the project's errors."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def title_of(kind: type[CodedError]) -> str:
    """The problem's title: the first sentence of the class's docstring, without the full stop."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")
