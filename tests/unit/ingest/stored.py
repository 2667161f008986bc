"""Bytes as the storage holds them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from shared.storage.directory import DirectoryStorage
from shared.storage.protocol import Reader


@contextmanager
def stored(directory: Path, content: bytes) -> Iterator[Reader]:
    """A stored file of this content, open."""
    storage = DirectoryStorage(directory)
    key = storage.new_key()
    writer = storage.create(key)
    writer.write(content)
    writer.commit()
    with closing(storage.open(key)) as file:
        yield file
