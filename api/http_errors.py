"""What the API refuses by itself, and the HTTP status of every error: the only place that knows these numbers.

`code` is stable and part of the public contract; the docstring's first sentence is the problem's title.
"""

from typing import Final

from shared import errors
from shared.csv import unreadable

# Both kinds have a stable code, a message and fields.
CodedError = errors.IngestError | unreadable.UnreadableFile


class MalformedMultipart(errors.InvalidRequest):
    """The multipart body cannot be taken apart."""

    code = "malformed_multipart"


class IncompleteBody(errors.InvalidRequest):
    """The connection ended before the body did."""

    code = "incomplete_body"


class TooSlow(errors.InvalidRequest):
    """The request did not arrive in time."""

    code = "too_slow"


class BodyTooLarge(errors.InvalidRequest):
    """A request without a file brings a large body."""

    code = "body_too_large"


class MissingFile(errors.InvalidRequest):
    """The form needs exactly one part named `file`."""

    code = "file_part_required"


class FilenameRequired(errors.InvalidRequest):
    """The upload needs a file name that ends in .csv, .tsv, .csv.gz or .tsv.gz."""

    code = "filename_required"


class UnsupportedMediaType(errors.InvalidRequest):
    """The body's Content-Type or Content-Encoding is none that an upload may have."""

    code = "unsupported_media_type"


class UnknownDataset(errors.InvalidRequest):
    """There is no dataset of that name."""

    code = "unknown_dataset"


class UnknownEncoding(errors.InvalidRequest):
    """Files of this encoding cannot be read."""

    code = "unknown_encoding"


class KeyRequired(errors.InvalidRequest):
    """The request needs an API key."""

    code = "key_required"


class KeyInvalid(KeyRequired):
    """The API key does not count."""

    code = "key_invalid"


class KeyExpired(KeyRequired):
    """The API key has expired."""

    code = "key_expired"


class ScopeMissing(errors.InvalidRequest):
    """The API key is not for such requests."""

    code = "scope_missing"


class TenantForbidden(errors.InvalidRequest):
    """The API key is not for this tenant."""

    code = "tenant_forbidden"


class LimitReached(errors.InvalidRequest):
    """The key or its tenant has asked for all that it may for now."""

    code = "limit_reached"


class TenantConflict(errors.InvalidRequest):
    """The header and the query parameter name different tenants."""

    code = "tenant_conflict"


class InvalidCursor(errors.InvalidRequest):
    """The cursor is not one of this listing."""

    code = "invalid_cursor"


class PageTooDeep(errors.InvalidRequest):
    """Pages this far back are not served by number."""

    code = "page_too_deep"


class KeysRequiredHere(errors.InvalidRequest):
    """Without API keys the API answers this machine only."""

    code = "keys_required_here"


class HostNotAllowed(errors.InvalidRequest):
    """The API is not called by this name."""

    code = "host_not_allowed"


# The most specific class of an error's ancestry counts.
STATUS_OF: Final[dict[type[CodedError], int]] = {
    MalformedMultipart: 400,
    IncompleteBody: 400,
    KeyRequired: 401,
    ScopeMissing: 403,
    TenantForbidden: 403,
    KeysRequiredHere: 403,
    errors.NotFound: 404,
    TooSlow: 408,
    errors.StateConflict: 409,
    errors.KeyInUse: 409,
    errors.FileExpired: 410,
    errors.DatasetGone: 410,
    BodyTooLarge: 413,
    errors.TooLarge: 413,
    unreadable.GzipRatioTooHigh: 413,
    UnsupportedMediaType: 415,
    unreadable.UnsupportedFile: 415,
    HostNotAllowed: 421,
    errors.InvalidRequest: 422,
    unreadable.UnreadableFile: 422,
    LimitReached: 429,
    errors.StorageFull: 507,
    errors.Transient: 503,
    errors.IngestError: 500,
}


def status_of(error: CodedError) -> int:
    """The HTTP status of an error of ours."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def title_of(kind: type[CodedError]) -> str:
    """The error class's own sentence."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")
