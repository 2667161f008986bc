"""Bytes as the storage holds them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from shared.storage.directory import LocalStorage, StoredFile


@contextmanager
def stored(directory: Path, content: bytes) -> Iterator[StoredFile]:
    """A stored file of this content, open."""
    storage = LocalStorage(directory)
    key = storage.new_key()
    pending = storage.create(key)
    pending.write(content)
    pending.commit()
    with closing(storage.open(key)) as file:
        yield file
