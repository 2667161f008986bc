"""What `clean_filename` promises for any text; tests/system/api/test_filenames.py has the names that attackers use."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.intake.filenames import MAX_NAME_BYTES, clean_filename

DECEIVING = st.sampled_from("/\\. \t\u00a0\u3000\u0301\u0327e\u00e9\u200d\u202e\u034f\u2800\u3164\ufe0f\ufeff\ud800\0")
TEXTS = st.text(st.characters(exclude_categories=[]) | DECEIVING) | st.text(st.sampled_from("éa. \u0301"), min_size=240)


@given(TEXTS)
def test_what_is_kept_is_a_name_that_can_be_seen(text: str) -> None:
    name = clean_filename(text)
    assert not set(name) & set("/\\\u034f\u2800\u3164\ufe0f")
    assert {unicodedata.category(char) for char in name}.isdisjoint({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
    assert name == name.strip() == unicodedata.normalize("NFC", name)
    assert not name.startswith(".")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert clean_filename(name) == name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        (". films.csv", "films.csv"),
        (". . films.csv", "films.csv"),
        ("e\u200d\u0301.csv", "é.csv"),  # NFC of what is left
        ("\u3164.csv", "csv"),
        ("film\u2800s\ufe0f.csv", "films.csv"),
        ("a" * 254 + " b", "a" * 254),
    ],
)
def test_edges(given_name: str, kept: str) -> None:
    assert clean_filename(given_name) == kept


@pytest.mark.parametrize("repeated", ["\u0301\u0327", "\u0327\u0301", " ", ". ", " .", ".a", "/", "\u200d", "é"])
def test_a_hostile_name_takes_time_in_proportion_to_its_length(repeated: str) -> None:
    started = time.process_time()
    clean_filename("a" + repeated * (64 * 1024 // len(repeated)))
    assert time.process_time() - started < 0.5
