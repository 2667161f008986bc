"""Files of any encoding become UTF-8, and back. What is recognised without a name is in test_recognition.py."""

import tracemalloc
from typing import Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.encodings.names import EVERYDAY_ENCODINGS, UTF_16, charset_of, encoding_named
from shared.csv.encodings.to_utf8 import Decoder, bom_of, encode
from shared.csv.reading.records import shown
from shared.csv.reading.text_checks import text_fault
from shared.csv.unreadable import EncodingUnknown
from tests.unit.csv.dialects import CSV

TEXT = "title,overview\nAmélie,\u201cUn garçon\u201d \u2013 12 €\nFür Elise,Straße\nÉté à Paris,l\u2019été\n"

# Of one byte per character or two, so that any bytes come back as they were.
INVERTIBLE: Final = ("utf-8", "utf-16-le", "utf-16-be", "windows-1252", "latin-1", "windows-1251", "koi8-r", "cp866")
# Of every kind: with states and escapes, with ASCII elsewhere, of one to four bytes per character.
# Of each encoding; there are some fifty.
MOST_EXAMPLES = 30
NAMED: Final = (
    *EVERYDAY_ENCODINGS,
    *("utf-7", "utf-32-le", "utf-32-be", "cp037", "cp437", "cp500", "cp1026", "hz", "iso-2022-jp-2004"),
    *("iso-8859-7", "iso-8859-16", "big5hkscs", "johab", "shift-jisx0213", "mac-turkish", "ptcp154", "tis-620"),
)


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
    (TEXT.encode("utf-32"), "utf-32-le"),
    (TEXT.encode("utf-32-le"), "utf-32-le"),
    (TEXT.encode("utf-32-be"), "utf-32-be"),
    (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32-be"),
    ("title\n七人の侍\n".encode("iso-2022-jp"), "iso-2022-jp"),
    # malformed UTF-8 stays what it is
    (TEXT.encode() + b"\xff\xfe", "utf-8"),
    (TEXT.encode() + "Amélie".encode("cp1252"), "utf-8"),
    (b"title\nbad \xff byte\n", "utf-8"),
]


@pytest.mark.parametrize(("content", "encoding"), RECOGNISED, ids=lambda value: repr(value)[-40:])
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_encodings_are_recognised_in_blocks_of_any_size(content: bytes, encoding: str, block: int) -> None:
    found, bom, text = decoded(content, block)
    assert found == encoding
    if encoding == "utf-8":
        assert text == content
    else:
        mark = bom_of(Dialect(",", quoting=True, encoding=found, bom=bom))
        assert text.decode() == content.removeprefix(mark).decode(encoding)


def test_a_guess_is_known_as_one() -> None:
    guesses = {}
    for content, encoding in ((TEXT.encode("cp1252"), None), (TEXT.encode("cp1252"), "latin-1"), (TEXT.encode(), None)):
        decoder = Decoder(encoding)
        decoder.feed(content)
        decoder.finish()
        guesses[decoder.encoding] = decoder.is_guessed
    assert guesses == {"windows-1252": True, "latin-1": False, "utf-8": False}


def test_what_is_likely_counts_unless_it_is_utf8() -> None:
    for content, likely, expected in (
        (b"Am\xe9lie\x85", "latin-1", "latin-1"),
        (b"odd \xff byte", "windows-1252", "windows-1252"),
        ("Осенний марафон".encode("koi8-r"), "koi8-r", "koi8-r"),
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_is_known_and_comes_back(encoding: str) -> None:
    content = ("\ufeff" + TEXT).encode(encoding)
    found, bom, text = decoded(content)
    assert (found, bom) == (encoding, True)
    dialect = Dialect(",", quoting=True, encoding=found, bom=bom)
    assert bom_of(dialect) + encode(text.removeprefix("\ufeff".encode()), dialect) == content


@given(content=st.binary(max_size=300), block=st.integers(1, 100), newline=st.sampled_from(["\n", "\r"]))
@pytest.mark.parametrize("encoding", INVERTIBLE)
def test_whatever_comes_in_can_be_given_back(encoding: str, content: bytes, block: int, newline: str) -> None:
    found, bom, text = decoded(content, block, encoding)
    dialect = Dialect(",", quoting=True, encoding=found, bom=bom, newline="\n")
    back = encode(text, dialect)
    if bom and found != "utf-8":
        back = bom_of(dialect) + back
    if not (found.startswith("utf-16") and len(content) % 2):
        assert back == content
    exchanged = encode(text, Dialect(",", quoting=True, newline=newline))
    assert encode(exchanged, Dialect(",", quoting=True, newline=newline)) == text


@given(content=st.binary(max_size=300), block=st.integers(1, 100))
def test_bytes_without_a_name_are_decoded_or_refused(content: bytes, block: int) -> None:
    try:
        found, bom, text = decoded(content, block)
    except EncodingUnknown:
        return
    if found == "utf-8":
        assert text == content
    back = encode(text, Dialect(",", quoting=True, encoding=found, bom=bom))
    assert decoded(back, block, found)[2].removeprefix(b"\xef\xbb\xbf") == text.removeprefix(b"\xef\xbb\xbf") or bom


@settings(max_examples=MOST_EXAMPLES)
@given(text=st.text(min_size=1, max_size=60), block=st.integers(1, 40))
@pytest.mark.parametrize("encoding", NAMED)
def test_text_in_a_named_encoding_comes_through_and_back(encoding: str, text: str, block: int) -> None:
    assume("\x1b" not in text)  # it begins an escape sequence of ISO-2022
    content = text.encode(encoding, "ignore")
    expected = content.decode(encoding)
    assume(not expected.startswith("\ufeff"))
    found, bom, stored = decoded(content, block, encoding)
    assert stored.decode() == expected
    dialect = Dialect(",", quoting=True, encoding=found, bom=bom)
    assert encode(stored, dialect).decode(found) == expected


@settings(max_examples=MOST_EXAMPLES)
@given(content=st.binary(max_size=200), block=st.integers(1, 100))
@pytest.mark.parametrize("encoding", NAMED)
def test_no_bytes_are_an_error_in_a_named_encoding(encoding: str, content: bytes, block: int) -> None:
    found, bom, stored = decoded(content, block, encoding)
    encode(stored, Dialect(",", quoting=True, encoding=found, bom=bom))


UNDECODABLE: list[tuple[bytes, str, str]] = [
    (b"a\x81b", "windows-1252", r"a\x81b"),
    (b"a\xff,b", "windows-1253", r"a\xff,b"),
    # two bytes that would be a letter of UTF-8 if they were passed on
    (b"a\xd9\x81b", "windows-1255", r"a\xd9\x81b"),
    (b"a\x00\x00\xd8b\x00", "utf-16-le", r"a\x00\xd8b"),
    (b"a\x00b", "utf-16-le", r"a\x62"),
    (b"a\0\0\0\xff\xff\xff\xff", "utf-32-le", r"a\xff\xff\xff\xff"),
    (b"a\x81,b", "shift-jis", r"a\x81,b"),
    (b"a\xff,b", "gb18030", r"a\xff,b"),
    (b"a\xf9\xfe\xff", "big5", r"a\xf9\xfe\xff"),
    (b"a\xc9\xa1", "euc-kr", r"a\xc9\xa1"),
    (b"a\x8f\xff", "euc-jp", r"a\x8f\xff"),
    (b"a\x1b$B\xff", "iso-2022-jp", r"a\xff"),
]


@pytest.mark.parametrize(("content", "encoding", "seen"), UNDECODABLE)
@pytest.mark.parametrize("block", [1, 100])
def test_what_does_not_decode_is_no_valid_text(content: bytes, encoding: str, seen: str, block: int) -> None:
    _, _, text = decoded(content, block, encoding)
    assert text_fault(text) == "invalid_utf8"
    assert shown(text) == seen


def test_what_an_encoding_lacks_becomes_a_question_mark() -> None:
    for encoding, expected in (("windows-1252", b"\xe9?"), ("koi8-r", b"??"), ("shift-jis", b"?\x81\xa8")):
        assert encode("é→".encode(), Dialect(",", quoting=True, encoding=encoding)) == expected


def test_undecoded_bytes_come_back_beside_characters_that_an_encoding_lacks() -> None:
    _, _, stored = decoded(b"a\x81b", 100, "windows-1252")
    assert encode(stored + "→".encode(), Dialect(",", quoting=True, encoding="windows-1252")) == b"a\x81b?"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"+" + b"A" * 1024, "utf-7"), (b"\x1b$B" + b"!" * 1021, "iso-2022-jp"), ("é".encode("cp1252") * 1024, None)],
)
def test_memory_is_bounded(content: bytes, encoding: str | None) -> None:
    decoder = Decoder(encoding)
    block = content * 256
    tracemalloc.start()
    try:
        for _ in range(64):
            decoder.feed(block)
        decoder.finish()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 24 * 1024 * 1024


def test_names_of_encodings() -> None:
    names = {
        "UTF8": "utf-8",
        "utf-8-sig": "utf-8",
        "ascii": "utf-8",
        "cp1252": "windows-1252",
        "Latin1": "latin-1",
        "ISO-8859-1": "latin-1",
        "ISO_8859-2": "iso-8859-2",
        "utf-16": UTF_16,
        "UTF-16LE": "utf-16-le",
        "utf-32": "utf-32",
        "cp1251": "windows-1251",
        "koi8-r": "koi8-r",
        "sjis": "shift-jis",
        "gb2312": "gb2312",
        "cp037": "cp037",
        "macroman": "mac-roman",
        "utf-7": "utf-7",
        **dict.fromkeys(("rot13", "hex", "base64", "zlib", "uu", "quopri", "bz2")),
        **dict.fromkeys(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap")),
        "no\0such": None,
        "koi8\u2013r": None,
        "x" * 10_000: None,
        "": None,
    }
    assert {name: encoding_named(name) for name in names} == names
    assert CSV.encoding in EVERYDAY_ENCODINGS
    for name in NAMED:
        assert encoding_named(name) == name
        assert encoding_named(charset_of(name)) in (name, None if name.startswith("mac-") else "cp932")
