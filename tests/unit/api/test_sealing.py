import pytest
from starlette.responses import Response

from api.cache.sealing import Seal

SEAL = Seal("postgresql://requests:secret@db/imdb")
ANSWER = Response(b'{"title":"Metropolis"}', headers={"Link": "</next>"}, media_type="application/json")


def test_what_was_closed_for_a_name_is_opened_for_it() -> None:
    found = SEAL.open("name", SEAL.close("name", ANSWER))
    assert found is not None
    assert (found.status_code, found.body, dict(found.headers)) == (200, ANSWER.body, dict(ANSWER.headers))


def test_nobody_reads_what_is_closed_and_no_two_are_the_same() -> None:
    one, other = SEAL.close("name", ANSWER), SEAL.close("name", ANSWER)
    assert b"Metropolis" not in one
    assert b"next" not in one
    assert one != other


@pytest.mark.parametrize(
    ("seal", "name", "at"),
    [
        pytest.param(SEAL, "another", None, id="another-name"),
        pytest.param(Seal("postgresql://requests:other@db/imdb"), "name", None, id="another-secret"),
        pytest.param(SEAL, "name", 0, id="a-changed-beginning"),
        pytest.param(SEAL, "name", -1, id="a-changed-end"),
        pytest.param(SEAL, "name", slice(20), id="a-half"),
        pytest.param(SEAL, "name", slice(0), id="nothing"),
    ],
)
def test_what_was_not_closed_like_this_is_no_answer(seal: Seal, name: str, at: int | slice | None) -> None:
    closed = bytearray(SEAL.close("name", ANSWER))
    if isinstance(at, slice):
        closed = closed[at]
    elif at is not None:
        closed[at] ^= 1
    assert seal.open(name, bytes(closed)) is None
