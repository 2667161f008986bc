"""What an error of `obstore` means. Its text may hold addresses and names, so only the status goes on."""

import re
from typing import Final

from shared.errors import StorageFull, Unavailable

_STATUS: Final = re.compile(r"status code: (\d{3})")
# Amazon S3 has no limit. These are what others answer whose disks or quotas are full, with 403, 409, 413 or 507.
_FULL: Final = re.compile(r"QuotaExceeded|StorageFull|InsufficientStorage|status code: 507")
# of the server, or of obstore, which looks at the length that the server names
_TOO_FAR: Final = re.compile(r"status code: 416|InvalidRange")


def storage_error(error: Exception) -> StorageFull | Unavailable:
    """The error that the platform raises instead."""
    text = str(error)
    if _FULL.search(text):
        return StorageFull("the storage is full")
    return Unavailable("the storage cannot be used", {"reason": _reason(text)})


def is_beyond_the_end(error: Exception) -> bool:
    """Whether a range begins behind the end of its object."""
    return _TOO_FAR.search(str(error)) is not None


def _reason(text: str) -> str:
    found = _STATUS.search(text)
    return f"status {found[1]}" if found else "no answer"
