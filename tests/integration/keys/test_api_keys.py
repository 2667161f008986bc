"""API keys: their text without a database, their life with one."""

import re
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from shared.database.queries.api_keys import all_keys, key_by_id, note_use
from shared.errors import InvalidRequest, NotFound, StateConflict
from shared.keys.administration import NewKey, create, revoke, rotate
from shared.keys.api_key import Key, make_key, parse_key
from tests.system.api.keyed import SHORTEST

DAY = timedelta(days=1)
# A key of zeros: keys that were given to clients must stay valid.
KNOWN = Key("0" * 12, "0" * 43)
KNOWN_TEXT = "imdb_000000000000_0000000000000000000000000000000000000000000_02ymGD"


def test_a_key_has_its_form() -> None:
    key = make_key()
    assert re.fullmatch(r"imdb_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", key.text)
    assert parse_key(key.text) == key
    assert key.secret not in repr(key)
    assert KNOWN.text == KNOWN_TEXT


def test_no_two_keys_are_alike() -> None:
    keys = [make_key() for _ in range(200)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 200
    # of 43 x 200 characters each of the 62 comes 139 times on average
    assert set("".join(key.secret for key in keys)) == set(string.ascii_letters + string.digits)


def test_a_typing_error_anywhere_is_told_without_a_database() -> None:
    valid = make_key().text
    for location, character in enumerate(valid):
        other = "x" if character != "x" else "y"
        assert parse_key(valid[:location] + other + valid[location + 1 :]) is None, location
        assert parse_key(valid[:location] + valid[location + 1 :]) is None, location
    for junk in ("", "imdb_", valid.upper(), valid + "\n", " " + valid, valid * 2, valid.replace("_", "-"), "ä" * 68):
        assert parse_key(junk) is None, junk


def test_only_the_right_secret_fits() -> None:
    key, other = make_key(), make_key()
    assert key.verify(key.secret_hash)
    assert not Key(key.id, other.secret).verify(key.secret_hash)
    assert not key.verify(None)
    assert not key.verify(bytes(32))


Make = Callable[..., NewKey]


@pytest.fixture
def make(engine: Engine) -> Make:
    """Creates a key."""

    def create_one(*tenants: str, lifetime: timedelta | None = None) -> NewKey:
        with engine.begin() as connection:
            return create(connection, "Ada", tenants or ("films",), ("read", "upload"), lifetime)

    return create_one


def state(engine: Engine, key_id: str) -> str | None:
    with engine.connect() as connection:
        row = connection.execute(key_by_id(key_id)).one_or_none()
    return None if row is None else row.state


def row_of(engine: Engine, key_id: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text("SELECT * FROM api_keys WHERE id = :id"), {"id": key_id}).one()


def test_a_copy_of_the_database_opens_nothing(engine: Engine, make: Make) -> None:
    new = make()
    with engine.connect() as connection:
        stored = connection.scalar(text("SELECT api_keys::text FROM api_keys"))
        listed = connection.execute(all_keys()).mappings().one()
    assert new.key.id in stored
    assert new.key.secret_hash.hex() in stored
    assert new.key.secret not in stored
    assert new.key.secret.encode().hex() not in stored
    assert new.key.secret_hash not in listed.values()


def test_a_key_ends_when_it_was_said(engine: Engine, make: Make) -> None:
    assert state(engine, make().key.id) == "active"
    assert state(engine, make(lifetime=DAY).key.id) == "active"
    assert state(engine, make(lifetime=SHORTEST).key.id) == "expired"
    assert state(engine, make_key().id) is None


def test_revoking_twice_changes_nothing(engine: Engine, make: Make) -> None:
    key_id = make(lifetime=SHORTEST).key.id
    with engine.begin() as connection:
        first = revoke(connection, key_id)
    with engine.begin() as connection:
        assert revoke(connection, key_id) == first
        with pytest.raises(NotFound):
            revoke(connection, "nobody")
    assert state(engine, key_id) == "revoked"  # whatever else it is


def test_a_rotation_keeps_all_but_the_secret(engine: Engine, make: Make) -> None:
    old = make("films", "more", lifetime=90 * DAY)
    with engine.begin() as connection:
        new = rotate(connection, old.key.id, DAY)
    assert (new.name, new.tenants, new.scopes, new.expires_at) == (old.name, old.tenants, old.scopes, old.expires_at)
    assert new.replaces == old.key.id
    assert new.key.secret != old.key.secret
    assert state(engine, old.key.id) == state(engine, new.key.id) == "active"
    left = row_of(engine, old.key.id).expires_at - row_of(engine, new.key.id).created_at
    assert timedelta(hours=23, minutes=59) < left < timedelta(hours=24, minutes=1)


def test_an_operators_key_has_no_tenants_and_keeps_its_scope(engine: Engine) -> None:
    with engine.begin() as connection:
        new = create(connection, "Ada", [], ["operator"], DAY)
        rotated = rotate(connection, new.key.id, DAY)
    assert (rotated.tenants, rotated.scopes) == (new.tenants, new.scopes) == ([], ["operator"])
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET tenants = '{films}'"))


@pytest.mark.parametrize("lifetime", [None, DAY / 2], ids=["for ever", "shorter than the overlap"])
def test_an_overlap_never_makes_a_key_live_longer(engine: Engine, make: Make, lifetime: timedelta | None) -> None:
    old = make(lifetime=lifetime)
    with engine.begin() as connection:
        assert rotate(connection, old.key.id, DAY).expires_at == old.expires_at
    end = row_of(engine, old.key.id).expires_at
    assert end is not None
    assert lifetime is None or end == old.expires_at


def test_what_cannot_be_rotated(engine: Engine, make: Make) -> None:
    ended, twice, without_overlap = make(lifetime=SHORTEST), make(), make()
    with engine.begin() as connection:
        rotate(connection, twice.key.id, DAY)
        for key_id in (ended.key.id, twice.key.id):
            with pytest.raises(StateConflict):
                rotate(connection, key_id, DAY)
        with pytest.raises(NotFound):
            rotate(connection, "nobody", DAY)
        rotate(connection, without_overlap.key.id, timedelta(0))
    assert state(engine, without_overlap.key.id) == "expired"


@pytest.mark.parametrize(
    ("name", "tenants", "scopes"),
    [
        (" ", ["films"], ["read"]),
        ("Ada\n", ["films"], ["read"]),
        ("Ada", [], ["read"]),
        ("Ada", ["films", "Films"], ["read"]),
        ("Ada", ["films\n"], ["read"]),
        ("Ada", ["a/b"], ["read"]),
        ("Ada", ["films"], []),
        ("Ada", ["films"], ["read", "write"]),
        ("Ada", ["films"], ["operator"]),
        ("Ada", [], ["operator", "admin"]),
        (" ", [], ["operator"]),
    ],
)
def test_what_no_key_can_be_for(engine: Engine, name: str, tenants: list[str], scopes: list[str]) -> None:
    with engine.begin() as connection, pytest.raises(InvalidRequest):
        create(connection, name, tenants, scopes, None)


def test_a_name_has_an_end(engine: Engine) -> None:
    with engine.begin() as connection:
        assert create(connection, "é" * 200, ["films"], ["read"], None).name == "é" * 200
        with pytest.raises(InvalidRequest, match="200"):
            create(connection, "é" * 201, ["films"], ["read"], None)


@pytest.mark.parametrize("span", [timedelta(0), -DAY, 3650 * DAY + SHORTEST, timedelta.max, timedelta.min], ids=str)
def test_no_span_of_time_is_beyond_reason(engine: Engine, make: Make, span: timedelta) -> None:
    old = make(lifetime=3650 * DAY)
    with pytest.raises(InvalidRequest, match="3,650 days"):
        make(lifetime=span)
    with engine.begin() as connection:
        if span:
            with pytest.raises(InvalidRequest, match="3,650 days"):
                rotate(connection, old.key.id, span)
        rotate(connection, old.key.id, 3650 * DAY)
        listed = connection.execute(all_keys()).all()
    assert len(listed) == 2


@pytest.mark.parametrize("key_id", ["", "\udcff", "\0", "a b", "a\n", "é", "a" * 101], ids=ascii)
def test_an_id_that_cannot_be_asks_nothing(engine: Engine, key_id: str) -> None:
    with engine.begin() as connection:
        with pytest.raises(InvalidRequest, match="letters and digits"):
            revoke(connection, key_id)
        with pytest.raises(InvalidRequest, match="letters and digits"):
            rotate(connection, key_id, DAY)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("tenants", value) for value in ("'{}'", "'{films,NULL}'", "'{films,Films}'", "'{\"\"}'")],
        *[("scopes", value) for value in ("'{}'", "'{read,write}'", "'{operator}'", "'{read,operator}'")],
        ("secret_hash", "'short'"),
    ],
)
def test_the_database_refuses_them_too(engine: Engine, make: Make, column: str, value: str) -> None:
    make()
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(f"UPDATE api_keys SET {column} = {value}"))


def test_use_is_noted_once_a_minute(engine: Engine, make: Make) -> None:
    key_id = make().key.id
    seen = []
    for backdated in (False, False, True):
        with engine.begin() as connection:
            if backdated:
                connection.execute(text("UPDATE api_keys SET last_used_at = last_used_at - interval '61 s'"))
            connection.execute(note_use(key_id))
        seen.append(row_of(engine, key_id).last_used_at)
    assert seen[0] == seen[1] < seen[2]
