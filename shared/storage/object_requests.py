"""What is asked of a bucket, with the names of the objects that a stored file consists of; see `object_store`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from shared.errors import StoredFileCorrupt, Unavailable
from shared.storage.object_errors import storage_error

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LAST: Final = "last"
# Names of metadata that every provider takes: letters only.
PARTS: Final = "parts"
PART_BYTES: Final = "partbytes"
# How many names one answer has.
LISTED: Final = 1000

# What `obstore` raises.
FAILURES: Final = (BaseError, OSError)


@dataclass(frozen=True)
class Patience:
    """How long a request may take: to connect, without a byte, and in all; how often it is tried again, and until when.

    With these figures a storage that does not answer is `Unavailable` within half a minute. While a loader waits, it
    keeps its batch from others, whose way to the bucket may be fine.
    """

    connect_seconds: float = 5
    silent_seconds: float = 10
    request_seconds: float = 60
    retries: int = 5
    retry_seconds: float = 15


USUAL: Final = Patience()


def connected(url: str, patience: Patience) -> "ObjectStore":
    """The bucket at the address, with what the environment says of it; sends nothing. Raises `FAILURES`."""
    return from_url(
        url,
        client_options={
            "connect_timeout": timedelta(seconds=patience.connect_seconds),
            "read_timeout": timedelta(seconds=patience.silent_seconds),
            "timeout": timedelta(seconds=patience.request_seconds),
            # providers are asked by HTTPS, unless the endpoint that the environment names begins with http://
            "allow_http": True,
        },
        retry_config={
            "max_retries": patience.retries,
            "retry_timeout": timedelta(seconds=patience.retry_seconds),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=10), "base": 2},
        },
    )


def name_of_part(part: int) -> str:
    """The last segment of the name of a part, which are counted from 0."""
    return f"{part:08}"


def put(store: "ObjectStore", name: str, content: bytes | bytearray, attributes: dict[str, str] | None = None) -> None:
    """Put one object, with metadata; raises `StorageFull` or `Unavailable`."""
    try:
        obstore.put(store, name, content, attributes=attributes, use_multipart=False)
    except FAILURES as error:
        raise storage_error(error) from error


def names_of(store: "ObjectStore", key: str) -> list[str]:
    """All objects of a stored file, finished or not; raises `FAILURES`."""
    return [one["path"] for chunk in obstore.list(store, key, chunk_size=LISTED) for one in chunk]


def delete(store: "ObjectStore", key: str) -> None:
    """Remove all objects of a stored file; raises `Unavailable`."""
    try:
        if names := names_of(store, key):
            obstore.delete(store, names)
    except FileNotFoundError:  # another process deletes it, too
        return
    except FAILURES as error:
        raise storage_error(error) from error


def gone_or_unavailable(store: "ObjectStore", key: str) -> StoredFileCorrupt | Unavailable:
    """What "not found" means: a bucket that is gone, or is another one, says it of every object and cannot list."""
    try:
        names_of(store, key)
    except FAILURES as error:
        return storage_error(error)
    return StoredFileCorrupt("the stored file is gone")
