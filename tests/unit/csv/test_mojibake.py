"""UTF-8 that was read as another encoding is found; honest text is not."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shared.csv.encodings.mojibake import mojibake_pattern
from tests.unit.csv.titles import TITLES

MISREAD = {
    "windows-1252": [
        "Ã©",
        "AmÃ©lie",
        "Ã‰tÃ©",
        "Ãœber",
        "BjÃ¶rk",
        "voilÃ\xa0",
        "SeÃ±or",
        "itâ€™s",
        "â€œHeatâ€\x9d",
        "â‚¬",
    ],
    "windows-1250": ["AmĂ©lie", "Ĺ›wiat", "KrĂłtki"],
    "windows-1251": ["AmГ©lie", "РџСЂРёРІРµС‚", "itвЂ™s"],
}
HONEST = [
    "CAFÉ’s",
    "«À»…",
    "AMANHÃ…",
    "“MAÇÃ”",
    "PÅ”",
    "SMÅ—OXÅ",
    "m²",
    "Å²",
    "OÙ…",
    "ESPAÑ…",
    "É»",
    "café”…",
    "10×”",
    "Азії",
]


@pytest.mark.parametrize("encoding", MISREAD)
def test_misread_text_is_found(encoding: str) -> None:
    pattern = mojibake_pattern(encoding)
    assert pattern is not None
    for text in MISREAD[encoding]:
        assert re.search(pattern, text), text


@pytest.mark.parametrize("encoding", ["windows-1252", "windows-1250", "windows-1251", "windows-1257", "mac-roman"])
def test_text_as_people_write_it_is_not_found(encoding: str) -> None:
    pattern = mojibake_pattern(encoding)
    assert pattern is not None
    assert [text for text in HONEST if re.search(pattern, text)] == []


@pytest.mark.parametrize(("language", "encoding"), [pair for pair in TITLES if mojibake_pattern(pair[1])])
def test_no_title_is_found_in_any_spelling(language: str, encoding: str) -> None:
    pattern = mojibake_pattern(encoding)
    assert pattern is not None
    titles = TITLES[language, encoding]
    spellings = [*titles, *map(str.upper, titles), *(f"“{title.upper()}”…" for title in titles)]
    assert [text for text in spellings if re.search(pattern, text)] == []


@pytest.mark.parametrize(("language", "encoding"), TITLES)
def test_most_titles_are_found_if_they_were_misread(language: str, encoding: str) -> None:
    pattern = mojibake_pattern("windows-1252")
    assert pattern is not None
    misread = [
        title.encode().decode("windows-1252", "replace")  # what cannot be decoded is rejected anyway
        for title in TITLES[language, encoding]
        if not title.isascii()
    ]
    found = [text for text in misread if re.search(pattern, text) or "\ufffd" in text]
    assert len(found) >= 0.9 * len(misread)


def test_both_kinds_of_regular_expressions_agree() -> None:
    texts = [*HONEST, *(text for texts in MISREAD.values() for text in texts)]
    for encoding in ("windows-1252", "windows-1250", "windows-1251", "latin-1", "koi8-r", "cp866", "windows-1256"):
        pattern = mojibake_pattern(encoding)
        assert pattern is not None
        by_arrow = pc.match_substring_regex(pa.array(texts), pattern).to_pylist()
        assert by_arrow == [re.search(pattern, text) is not None for text in texts]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-7", "shift-jis", "gb18030", "iso-2022-jp", "cp037"])
def test_other_encodings_have_no_pattern(encoding: str) -> None:
    assert mojibake_pattern(encoding) is None
