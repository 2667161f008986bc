"""What every storage promises: a directory, a bucket of Amazon's or Microsoft's kind, and one in a process beside."""

import random
import time
from contextlib import closing

import pytest

from shared.errors import StoredFileCorrupt
from shared.storage.beside import StorageBeside
from shared.storage.protocol import Storage, remove_object
from tests.system.storage.conftest import PART_BYTES

SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 3 * PART_BYTES + 500]


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311  any bytes


def stored(storage: Storage, content: bytes, block_bytes: int = 300) -> str:
    key = storage.new_key()
    writer = storage.create(key)
    for start in range(0, len(content), block_bytes):
        writer.write(memoryview(content)[start : start + block_bytes])
    writer.commit()
    return key


def listed(storage: Storage) -> set[str]:
    return {key for key, _ in storage.list_objects()}


@pytest.mark.parametrize("size", SIZES)
def test_an_object_is_read_as_it_was_written(storage: Storage, size: int) -> None:
    content = content_of(size)
    key = stored(storage, content)
    assert storage.read(key, 0, size) == content
    assert key in listed(storage)


def test_blocks_may_be_larger_than_parts(storage: Storage) -> None:
    content = content_of(5 * PART_BYTES + 7)
    assert storage.read(stored(storage, content, len(content)), 0, len(content)) == content


def test_every_range_is_exact(storage: Storage) -> None:
    content = content_of(2 * PART_BYTES + 500)
    at = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, len(content) - 1, len(content)]
    with closing(storage.open(stored(storage, content))) as reader:
        for start in at:
            for end in at:
                if start <= end:
                    assert reader.read(start, end) == content[start:end]


@pytest.mark.parametrize("size", SIZES)
def test_a_range_that_is_not_there_is_an_error_and_never_fewer_bytes(storage: Storage, size: int) -> None:
    key = stored(storage, content_of(size))
    for start, end in [(0, size + 1), (size, size + 1), (size + 1, size + 2), (0, size + 2 * PART_BYTES)]:
        with pytest.raises(StoredFileCorrupt, match="shorter"):
            storage.read(key, start, end)


@pytest.mark.parametrize("size", [1, 3 * PART_BYTES + 1])
def test_nobody_sees_an_object_before_it_is_whole(storage: Storage, size: int) -> None:
    key = storage.new_key()
    writer = storage.create(key)
    writer.write(content_of(size))
    with pytest.raises(StoredFileCorrupt, match="gone"):
        storage.read(key, 0, 1)
    writer.commit()
    assert storage.read(key, 0, size) == content_of(size)


@pytest.mark.parametrize("size", [0, 1, 3 * PART_BYTES + 1])
def test_of_what_is_discarded_nothing_is_left(storage: Storage, size: int) -> None:
    before = listed(storage)
    writer = storage.create(storage.new_key())
    writer.write(content_of(size))
    writer.discard()
    writer.discard()
    assert listed(storage) == before


def test_what_is_committed_cannot_be_discarded(storage: Storage) -> None:
    key = storage.new_key()
    writer = storage.create(key)
    writer.write(b"film")
    writer.commit()
    writer.discard()
    assert storage.read(key, 0, 4) == b"film"


@pytest.mark.parametrize("size", [1, 3 * PART_BYTES + 1])
def test_a_deleted_object_is_gone_and_may_be_deleted_again(storage: Storage, size: int) -> None:
    before = listed(storage)
    kept, key = stored(storage, b"other"), stored(storage, content_of(size))
    storage.delete(key)
    storage.delete(key)
    remove_object(storage, key)
    with pytest.raises(StoredFileCorrupt, match="gone"):
        storage.open(key)
    assert listed(storage) == before | {kept}


def test_what_a_killed_process_leaves_behind_is_listed_and_can_be_deleted(storage: Storage) -> None:
    before = listed(storage)
    writer = storage.create(storage.new_key())
    # more than a part; the process beside has parts as deployments have them
    writer.write(bytes(9_000_000) if isinstance(storage, StorageBeside) else content_of(4 * PART_BYTES))
    deadline = time.monotonic() + 10
    while not (left := listed(storage) - before):
        assert time.monotonic() < deadline, "it is not listed"
    for key in left:
        storage.delete(key)
    assert listed(storage) == before
    writer.discard()


def test_ages_are_seconds_since_the_last_change(storage: Storage) -> None:
    key = stored(storage, content_of(2 * PART_BYTES))
    started = time.monotonic()
    time.sleep(1.1)
    [age] = [one.age_seconds for one in storage.list_objects() if one.key == key]
    # the clocks of servers have whole seconds
    assert 0 <= age <= time.monotonic() - started + 1.5


def test_keys_are_never_the_same(storage: Storage) -> None:
    assert len({storage.new_key() for _ in range(100)}) == 100
