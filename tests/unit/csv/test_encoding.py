"""Files of any encoding become UTF-8, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.encoding import ENCODINGS, UTF_16, Decoder, bom_of, encode, encoding_named
from tests.unit.csv.dialects import CSV

TEXT = "title,overview\nAmélie,\u201cUn garçon\u201d \u2013 12 €\nFür Elise,Straße\nÉté à Paris,l\u2019été\n"


def decoded(content: bytes, block: int = 10_000, encoding: str | None = None) -> tuple[str, bool, bytes]:
    decoder = Decoder(encoding)
    text = b"".join(decoder.feed(content[start : start + block]) for start in range(0, len(content), block))
    text += decoder.finish()
    return decoder.encoding, decoder.bom, text


ASCII = b"x" * 5_000 + b"\n"
RECOGNISED: list[tuple[bytes, str]] = [
    (b"", "utf-8"),
    (b"a", "utf-8"),
    (ASCII, "utf-8"),
    (TEXT.encode(), "utf-8"),
    (TEXT.encode("cp1252"), "windows-1252"),
    (ASCII + TEXT.encode("cp1252"), "windows-1252"),
    (b"title\nAm\xe9lie\n", "windows-1252"),
    (b"title\n\xc9t\xe9 \xe0 Paris, d\xe9j\xe0\n", "windows-1252"),
    (b"title\nPOL\xc9MIQUE \xa9 1999\n", "windows-1252"),
    (TEXT.encode("utf-16"), "utf-16-le"),
    (TEXT.encode("utf-16-le"), "utf-16-le"),
    (TEXT.encode("utf-16-be"), "utf-16-be"),
    (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be"),
    # malformed UTF-8 stays what it is
    (TEXT.encode() + b"\xff\xfe", "utf-8"),
    (TEXT.encode() + "Amélie".encode("cp1252"), "utf-8"),
    (b"title\nbad \xff byte\n", "utf-8"),
    (b"title\nbad \xc3\x28 pair\n", "utf-8"),
    (b"title\nba\x80d\n", "utf-8"),
    (b"title\nbad\xff\xff\n", "utf-8"),
    (b"title\nbad\xf0\x9f\x92 end\n", "utf-8"),
]


@pytest.mark.parametrize(("content", "encoding"), RECOGNISED, ids=lambda value: repr(value)[-40:])
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_encodings_are_recognised(content: bytes, encoding: str, block: int) -> None:
    if block < len(content):  # the encoding is decided by the first blocks
        content = content if content.isascii() or encoding.startswith("utf") else content * 2
    found, _, text = decoded(content, block)
    if block > len(content) or encoding.startswith("utf-16"):
        assert found == encoding
    if found.startswith("utf-16"):
        assert text.decode() == TEXT
    if found == "utf-8":
        assert text == content


def test_what_is_likely_counts_unless_it_is_utf8() -> None:
    for content, likely, expected in (
        (b"Am\xe9lie\x85", "latin-1", "latin-1"),
        (b"odd \xff byte", "windows-1252", "windows-1252"),
        ("Amélie".encode(), "latin-1", "utf-8"),
        (b"plain", "latin-1", "utf-8"),
    ):
        decoder = Decoder(likely=likely)
        decoder.feed(content)
        decoder.finish()
        assert decoder.encoding == expected


def test_a_block_may_end_within_a_character() -> None:
    content = ASCII + "é".encode() * 10
    assert decoded(content, len(ASCII) + 1) == ("utf-8", False, content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_known_and_comes_back(encoding: str) -> None:
    content = ("\ufeff" + TEXT).encode(encoding)
    found, bom, text = decoded(content)
    assert (found, bom) == (encoding, True)
    dialect = Dialect(",", quoting=True, encoding=found, bom=bom)
    assert bom_of(dialect) + encode(text.removeprefix("\ufeff".encode()), dialect) == content


@given(content=st.binary(max_size=300), block=st.integers(1, 100), newline=st.sampled_from(["\n", "\r"]))
@pytest.mark.parametrize("encoding", [None, *ENCODINGS])
def test_whatever_comes_in_can_be_given_back(encoding: str | None, content: bytes, block: int, newline: str) -> None:
    found, bom, text = decoded(content, block, encoding)
    dialect = Dialect(",", quoting=True, encoding=found, bom=bom, newline="\n")
    back = encode(text, dialect)
    if bom and found != "utf-8":
        back = bom_of(dialect) + back
    if not (found.startswith("utf-16") and len(content) % 2):
        assert back == content
    exchanged = encode(text, Dialect(",", quoting=True, newline=newline))
    assert encode(exchanged, Dialect(",", quoting=True, newline=newline)) == text


def test_what_does_not_decode_is_no_valid_text() -> None:
    for content, encoding in (
        (b"a\x81b", "windows-1252"),
        (b"a\x00\x00\xd8b\x00", "utf-16-le"),
        (b"a\x00b", "utf-16-le"),
    ):
        _, _, text = decoded(content, 100, encoding)
        with pytest.raises(UnicodeDecodeError):
            text.decode()


def test_what_an_encoding_lacks_becomes_a_question_mark() -> None:
    assert encode("é→".encode(), Dialect(",", quoting=True, encoding="windows-1252")) == b"\xe9?"


def test_names_of_encodings() -> None:
    names = {
        "UTF8": "utf-8",
        "utf-8-sig": "utf-8",
        "ascii": "utf-8",
        "cp1252": "windows-1252",
        "Latin1": "latin-1",
        "ISO-8859-1": "latin-1",
        "utf-16": UTF_16,
        "UTF-16LE": "utf-16-le",
        "rot13": None,
        "koi8-r": None,
        "no\0such": None,
        "": None,
    }
    assert {name: encoding_named(name) for name in names} == names
    assert CSV.encoding in ENCODINGS
