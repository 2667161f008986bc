"""Encodings are recognised by evidence: the text is right, or the file is refused, or its records are rejected."""

from collections import Counter

import pytest

from shared.csv.encodings.recognition import SAMPLE_BYTES
from shared.csv.encodings.to_utf8 import Decoder
from shared.csv.unreadable import EncodingUnknown
from tests.unit.csv.titles import TITLES, samples, table

HEAD = "title,year\nToy Story,1995\nHeat,1995\n"


def read(content: bytes, block: int = 1 << 20) -> tuple[str, bytes]:
    decoder = Decoder()
    text = b"".join(decoder.feed(content[start : start + block]) for start in range(0, len(content), block))
    text += decoder.finish()
    return decoder.encoding, text


def outcome(text: str, encoding: str) -> str:
    """What becomes of a text in an encoding that is not named: right, refused, rejected or wrong."""
    try:
        _, found = read(text.encode(encoding))
    except EncodingUnknown:
        return "refused"
    try:
        return "right" if found.decode() == text else "wrong"
    except UnicodeDecodeError:
        return "rejected"


@pytest.mark.parametrize(("language", "encoding"), TITLES)
def test_titles_are_read_right_or_refused(language: str, encoding: str) -> None:
    titles = TITLES[language, encoding]
    outcomes = {
        count: Counter(outcome(table(sample), encoding) for sample in samples(titles, count))
        for count in (1, 3, 10, 100)
    }
    assert all(counter["wrong"] == 0 for counter in outcomes.values()), outcomes
    assert outcomes[3]["right"] >= 0.7 * outcomes[3].total()
    assert set(outcomes[10] + outcomes[100]) == {"right"}


EVERYDAY = [
    "Amélie", "Björk", "Almodóvar", "Señor", "Crème brûlée", "café", "Pokémon", "Léon", "Über", "Straße", "El Niño",
    "São Paulo", "Les Misérables", "L'Été meurtrier", "Jules et Jim, déjà", "Piñata\nEl Niño", "Hallå", "Perché",
    "It’s a Wonderful Life", "“Heat” – 1995", "Heat — 1995", "O’Brien", "l’été", "9½ Weeks", "12 €", "© 1999",
    "Dogville…", "¡Three Amigos!", "¿Qué?", "Fahrenheit 9°", "Amélie\nBjörk\nAlmodóvar\nSeñor\nCrème",
]  # fmt: skip


@pytest.mark.parametrize("titles", EVERYDAY)
def test_everyday_files_in_windows_1252_load_by_themselves(titles: str) -> None:
    text = HEAD + titles + ",2001\n"
    assert read(text.encode("windows-1252")) == ("windows-1252", text.encode())


@pytest.mark.parametrize(
    "cell", [b"bad \xff byte", b"bad \xc3\x28 pair", b"ba\x80d", b"a\xff\xfeb", b"bad\xf0\x9f\x92 end"]
)
def test_a_few_bytes_that_are_no_text_stay_in_a_file_of_utf8(cell: bytes) -> None:
    content = HEAD.encode() + cell + b",2001\n"
    assert read(content) == ("utf-8", content)


def test_an_ambiguous_file_is_refused_with_what_each_encoding_reads() -> None:
    content = (HEAD + "Alien³,1992\n").encode("windows-1252")
    with pytest.raises(EncodingUnknown) as refusal:
        read(content)
    assert "`encoding`" in refusal.value.message
    candidates = {each["encoding"]: each["reads"] for each in refusal.value.fields["candidates"]}
    assert candidates["windows-1252"] == ["Alien³"]
    assert candidates["windows-1250"] == ["Alienł"]
    assert len(candidates) <= 5


@pytest.mark.parametrize("cell", ["一一", "站台"])
def test_two_chinese_characters_are_not_taken_for_rare_letters_of_utf8(cell: str) -> None:
    assert cell.encode("gb18030").decode() != cell  # it is valid UTF-8
    assert outcome(HEAD + cell + ",2000\n", "gb18030") in ("right", "refused")


RARE_IN_UTF8 = [
    "Հայաստան",
    "საქართველო",
    "Hawaiʻi",
    "ʤ",
    "ʃɔː",
    "Һөйөү",
    "Việt Nam",
    "Ghetto ★ ♪",
    "e\u0301te\u0301",
    "አማርኛ",
]


@pytest.mark.parametrize("cell", RARE_IN_UTF8)
def test_utf8_of_any_script_is_utf8(cell: str) -> None:
    assert outcome(HEAD + cell + ",2000\n", "utf-8") == "right"


POLISH = ["Człowiek z żelaza", "Popiół i diament", "Krótki film o miłości", "Śmierć prezydenta"]


@pytest.mark.parametrize("block", [1000, 1 << 20])
def test_bytes_behind_the_sample_may_show_which_of_several_encodings_it_is(block: int) -> None:
    """All of Western and Central Europe write é as the same byte, so é does not show the encoding."""
    text = HEAD + "Amélie,2001\n" + "Heat,1995\n" * (SAMPLE_BYTES // 5) + ",1\n".join(POLISH) + "\n"
    assert read(text.encode("windows-1250"), block) == ("windows-1250", text.encode())
    other = text.replace(",1\n".join(POLISH), "Björk,1\nÀ bout de souffle, déjà\nÜber\nEl Niño\nCrème brûlée\n")
    assert read(other.encode("windows-1252"), block) == ("windows-1252", other.encode())


def test_a_late_byte_that_shows_nothing_refuses_the_file() -> None:
    text = HEAD + "Amélie,2001\n" + "Heat,1995\n" * (SAMPLE_BYTES // 5) + "Alien³,1992\n"
    with pytest.raises(EncodingUnknown):
        read(text.encode("windows-1252"))


def test_later_utf8_does_not_change_the_encoding_of_a_file_that_has_none() -> None:
    text = HEAD.encode() + "Crème brûlée, Amélie,Straße\n".encode("windows-1252") * 20
    mixed = text + b"Heat,1995\n" * (SAMPLE_BYTES // 5) + "Amélie\n".encode()
    encoding, found = read(mixed)
    assert encoding == "windows-1252"
    assert found.endswith("AmÃ©lie\n".encode())


def test_the_rest_of_a_file_of_utf8_in_another_encoding_is_rejected() -> None:
    content = "Amélie\nBjörk\n".encode() + "Crème\n".encode("windows-1252")
    assert read(content) == ("utf-8", content)


def test_a_binary_file_is_left_to_the_sniffer() -> None:
    content = bytes(range(256)) * 9
    assert read(content) == ("utf-8", content)


def test_only_a_bounded_part_of_a_sample_is_judged() -> None:
    cell = "Осенний марафон и всё, что было потом ".encode("windows-1251")
    encoding, text = read(b"title\n" + cell * 2_000 + b"\n" + cell * 20_000)
    assert encoding == "windows-1251"
    assert text.decode().count("марафон") == 22_000
