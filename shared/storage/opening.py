"""The only module that names the implementations of `Storage`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from shared.storage.protocol import Storage


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; it does nothing before its first use.

    Raises `ValueError` if the environment lacks what the provider of a bucket needs.
    """
    if not settings.is_in_bucket:
        return DirectoryStorage(settings.upload_dir)
    from shared.storage.object_store import ObjectStorage

    return ObjectStorage(settings.storage_url)


def open_storage_in_forking_process(settings: Settings) -> Storage:
    """The same for a process whose forked children open it, too: one in a bucket is used by a process beside it."""
    if not settings.is_in_bucket:
        return DirectoryStorage(settings.upload_dir)
    from shared.storage.beside import StorageBeside

    return StorageBeside(settings)


@contextmanager
def temporary_storage() -> Iterator[Storage]:
    """A storage on this machine that is deleted at the end."""
    with TemporaryDirectory() as directory:
        yield DirectoryStorage(Path(directory))
