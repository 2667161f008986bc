"""What a network does to a storage: no byte wrong or missing, the right error in a bounded time, nothing left."""

import time
from collections.abc import Callable
from dataclasses import replace

import obstore
import pytest

from shared.errors import IngestError, StorageFull, StoredFileCorrupt, Unavailable
from shared.storage.object_requests import Patience
from shared.storage.object_store import ObjectStorage
from stack.ports import free_port
from tests.conftest import environment
from tests.system.storage.conftest import PART_BYTES, in_bucket
from tests.system.storage.proxy import Fault, Proxy, one_byte
from tests.system.storage.servers import ObjectServer
from tests.system.storage.test_storages import content_of, listed, stored

IMPATIENT = Patience(connect_seconds=0.5, silent_seconds=0.5, request_seconds=2, retries=2, retry_seconds=2)
# Each of at most three tries may be silent, and between them are pauses; a call may send two requests.
BOUND_SECONDS = 8
CONTENT = content_of(2 * PART_BYTES + 500)

Proxied = tuple[Proxy, ObjectServer]
Call = Callable[[ObjectStorage, str], object]


def impatient(server: ObjectServer) -> ObjectStorage:
    with environment(**server.environment):
        return ObjectStorage(server.url, IMPATIENT, PART_BYTES)


def write(storage: ObjectStorage, _: str) -> object:
    return stored(storage, CONTENT)


def read(storage: ObjectStorage, key: str) -> object:
    return storage.read(key, 0, len(CONTENT))


def delete(storage: ObjectStorage, key: str) -> object:
    storage.delete(key)
    return key


def list_all(storage: ObjectStorage, _: str) -> object:
    return list(storage.list_objects())


CALLS = pytest.mark.parametrize("call", [write, read, delete, list_all])


def fails(call: Call, storage: ObjectStorage, key: str, error: type[IngestError]) -> IngestError:
    started = time.monotonic()
    with pytest.raises(error) as raised:
        call(storage, key)
    assert time.monotonic() - started < BOUND_SECONDS
    assert type(raised.value) is error
    return raised.value


@CALLS
def test_a_refused_connection_is_unavailable(server: ObjectServer, call: Call) -> None:
    nobody = server.at(f"http://127.0.0.1:{free_port()}")
    error = fails(call, impatient(nobody), "key", Unavailable)
    assert error.fields == {"reason": "no answer"}


@pytest.mark.parametrize("call", [write, read])
def test_a_stalled_answer_is_unavailable(proxied: Proxied, call: Call) -> None:
    proxy, server = proxied
    key = stored(in_bucket(server), CONTENT)
    proxy.faults = [Fault(stalls=True)]
    fails(call, impatient(server), key, Unavailable)


@CALLS
def test_a_server_that_is_always_too_busy_is_unavailable(proxied: Proxied, call: Call) -> None:
    proxy, server = proxied
    key = stored(in_bucket(server), CONTENT)
    proxy.faults = [Fault(status=503)]
    error = fails(call, impatient(server), key, Unavailable)
    assert error.fields == {"reason": "status 503"}


@pytest.mark.parametrize("call", [write, read])
@pytest.mark.parametrize("fault", [Fault(times=1, stalls=True), Fault(times=2, cuts=True), Fault(times=2, status=503)])
def test_a_fault_that_passes_costs_nothing_but_time(proxied: Proxied, call: Call, fault: Fault) -> None:
    proxy, server = proxied
    key = stored(in_bucket(server), CONTENT)
    proxy.faults = [replace(fault)]
    found = call(impatient(server), key)
    assert proxy.faults[0].happened == fault.times
    assert (found if call is read else read(in_bucket(server), str(found))) == CONTENT


@pytest.mark.parametrize("call", [delete, list_all])
def test_what_the_sweep_asks_is_tried_again_if_the_server_is_busy(proxied: Proxied, call: Call) -> None:
    proxy, server = proxied
    key = stored(in_bucket(server), CONTENT)
    proxy.faults = [Fault(times=2, status=503)]
    call(impatient(server), key)
    assert proxy.faults[0].happened == 2
    assert (key in listed(in_bucket(server))) is (call is list_all)


def test_a_body_that_is_always_cut_is_unavailable_and_never_short(proxied: Proxied) -> None:
    proxy, server = proxied
    key = stored(in_bucket(server), CONTENT)
    proxy.faults = [Fault(lambda request: request.is_read, cuts=True)]
    fails(read, impatient(server), key, Unavailable)


def test_a_server_that_is_full_says_so(proxied: Proxied) -> None:
    proxy, server = proxied
    proxy.faults = [Fault(lambda request: request.method == "PUT", status=507)]
    fails(write, impatient(server), "key", StorageFull)


@pytest.mark.parametrize("name", ["00000000", "00000001", "last"])
def test_a_part_that_vanishes_is_a_corrupt_file(server: ObjectServer, name: str) -> None:
    storage = in_bucket(server)
    key = stored(storage, CONTENT)
    reader = storage.open(key)
    obstore.delete(storage._store, f"{key}/{name}")
    with pytest.raises(StoredFileCorrupt, match="gone"):
        reader.read(0, len(CONTENT))


@pytest.mark.parametrize("rest", [CONTENT[:300], b""], ids=["shorter", "empty"])
def test_a_part_that_shrinks_is_a_corrupt_file(server: ObjectServer, rest: bytes) -> None:
    storage = in_bucket(server)
    key = stored(storage, CONTENT)
    obstore.put(storage._store, f"{key}/00000001", rest)
    with pytest.raises(StoredFileCorrupt, match="shorter"):
        storage.read(key, 0, len(CONTENT))


def test_a_bucket_that_is_gone_is_unavailable_and_condemns_no_file(server: ObjectServer) -> None:
    with environment(**server.environment):
        elsewhere = ObjectStorage(server.url.replace("stored-files", "another-bucket"), IMPATIENT)
    for call in (write, read, delete, list_all):
        fails(call, elsewhere, "key", Unavailable)


def test_a_changed_byte_is_handed_on_as_it_is(proxied: Proxied) -> None:
    """The loader's checksum finds it; here it shows that the proxy changes what passes."""
    proxy, server = proxied
    storage = in_bucket(server)
    key = stored(storage, CONTENT)
    proxy.faults = [Fault(lambda request: request.is_read, times=1, changes=one_byte)]
    found = storage.read(key, 0, len(CONTENT))
    assert sum(one != other for one, other in zip(found, CONTENT, strict=True)) == 1


def test_what_cannot_be_discarded_is_left_to_the_sweep(proxied: Proxied) -> None:
    proxy, server = proxied
    storage = impatient(server)
    before = listed(storage)
    writer = storage.create(storage.new_key())
    writer.write(CONTENT)
    proxy.faults = [Fault(lambda request: request.method != "PUT", status=503)]
    writer.discard()
    proxy.faults = []
    [left] = listed(storage) - before
    storage.delete(left)


def test_no_error_text_shows_an_address_or_a_credential(proxied: Proxied) -> None:
    proxy, server = proxied
    proxy.faults = [Fault(status=403)]
    for call in (write, read, delete, list_all):
        error = fails(call, impatient(server), "key", Unavailable)
        shown = f"{error} {error.fields}"
        assert "http" not in shown
        assert not [value for value in server.environment.values() if value in shown]


def test_a_batch_is_read_by_a_question_for_its_shape_and_one_for_each_part(proxied: Proxied) -> None:
    proxy, server = proxied
    storage = in_bucket(server)
    key = stored(storage, CONTENT)
    for start, end, reads in [(0, 900, 1), (900, 1100, 2), (2100, 2400, 1), (0, len(CONTENT), 3)]:
        proxy.seen.clear()
        storage.read(key, start, end)
        assert [request.method for request in proxy.seen] == ["HEAD"] + ["GET"] * reads


def test_a_small_object_is_one_put(proxied: Proxied) -> None:
    proxy, server = proxied
    stored(in_bucket(server), CONTENT[:PART_BYTES])
    assert [request.method for request in proxy.seen] == ["PUT"]


def test_a_file_that_is_refused_at_once_costs_no_request(proxied: Proxied) -> None:
    proxy, server = proxied
    storage = in_bucket(server)
    writer = storage.create(storage.new_key())
    writer.write(CONTENT[:PART_BYTES])
    writer.discard()
    assert proxy.seen == []
