"""A hint is exact or absent: what it says to write is accepted, and what can be read in two ways is not decided."""

import re
from itertools import product

import pandas as pd
import pyarrow as pa
import pytest

from shared.advice.hints import _OF_VALUE as VALUED
from shared.advice.hints import Advisor
from shared.advice.no_values import LEAVE_EMPTY
from shared.catalog.dataset import Column, Dataset
from shared.catalog.pandera_schemas import _check
from shared.catalog.rules.basic_rules import Decimal, Flag, IsoDate, Rule, Whole, Year
from shared.catalog.rules.list_rules import ListLiteral
from shared.catalog.tmdb_columns import FACTS
from shared.csv.reading.read import MESSAGES
from shared.csv.reading.records import shown
from shared.ingest.validation.validate import _series
from tests.conftest import REGISTRY

hint = Advisor(REGISTRY.columns).hint

RULES: dict[str, Rule] = {rule.code: rule() for rule in (Whole, Decimal, IsoDate, Year, Flag, ListLiteral)}

# code: what a person wrote -> what the hint says to write
WRITE = """
not_a_whole_number: $237,000,000 -> 237000000
not_a_whole_number: $ 237.000.000 -> 237000000
not_a_whole_number: 5 USD -> 5
not_a_whole_number: $1,234.0 -> 1234.0
not_a_whole_number: 1.5E+1 -> 15
not_a_whole_number: ="1000" -> 1000
not_a_whole_number: ="$1,000" -> 1000
not_a_number: 8.5/10 -> 8.5
not_a_number: $7.5 -> 7.5
not_a_number: 7,5/10 -> 7.5
not_a_number: ="7.5" -> 7.5
not_a_date: 31/12/1999 -> 1999-12-31
not_a_date: 12/31/1999 -> 1999-12-31
not_a_date: 05/05/1999 -> 1999-05-05
not_a_date: 31.12.1999 -> 1999-12-31
not_a_date: 1999/12/31 -> 1999-12-31
not_a_date: 1999-2-3 -> 1999-02-03
not_a_date: 19991231 -> 1999-12-31
not_a_date: 1999-12-31T23:59:00 -> 1999-12-31
not_a_date: 31 Dec 1999 -> 1999-12-31
not_a_date: December 31, 1999 -> 1999-12-31
not_a_date: 31st December 1999 -> 1999-12-31
not_a_date: Sept 3, 2001 -> 2001-09-03
not_a_year: 1999-05-04 -> 1999
not_a_year: (1999) -> 1999
not_a_year: 1999.00 -> 1999
not_a_flag: yes -> 1
not_a_flag: N -> 0
not_a_flag: ="1" -> 1
not_a_list: English -> ['English']
not_a_list: English, French -> ['English', 'French']
not_a_list: [日本語|Suomi] -> ['日本語', 'Suomi']
not_a_list: [{'iso_639_1': 'en', 'name': 'English'}] -> ['English']
unknown_status: released -> Released
unknown_status: Relased -> Released
unknown_status: cancelled -> Canceled
unknown_status: Relesed -> Released
unknown_status: Relaesed -> Released
unknown_status: Rumoured -> Rumored
unknown_status: in_production -> In Production
unknown_status: POST-PRODUCTION -> Post Production
invalid_language: English -> en
invalid_language: EN -> en
invalid_language: en-US -> en
invalid_language: 日本語 -> ja
invalid_language: zh_Hans -> zh
invalid_id: 862.0 -> 862
invalid_tconst: 0111161 -> tt0111161
invalid_tconst: TT1 -> tt1
invalid_tconst: https://www.imdb.com/title/tt0111161/ -> tt0111161
invalid_tconst: https://m.imdb.com/title/TT0111161?ref_=x -> tt0111161
not_stars: 4.5/5 -> 4.5
not_stars: 4,5 / 5 -> 4.5
not_stars: 5 stars -> 5
invalid_nconst: 0000151 -> nm0000151
invalid_nconst: NM0000151 -> nm0000151
invalid_nconst: https://www.imdb.com/name/nm0000151/ -> nm0000151
"""
# columns whose rule it is, for codes that several rules have
COLUMNS = {"not_a_whole_number": "budget", "not_a_flag": "isAdult", "not_a_list": "languages"}
PAIRS = [(code, *rest.split(" -> ")) for code, _, rest in (line.partition(": ") for line in WRITE.strip().splitlines())]
ABSENT = {
    "not_a_whole_number": (
        "-1,234",
        "90 min",
        "2h",
        "1h 75m",
        "12.5",
        "1,23,456",
        "1.234,5",
        "1,234.5",
        "1.2345",
        "$1.5",
        "1.5E+0",
        "1.25e1",
        "1.2345678M",
        "2.5.5K",
        "(1,234)",
        "85%",
        "abc",
        "- 5",
        "5m",
        "9" * 40,
        "1,2,3",
        "٣",
    ),
    "not_a_number": ("85/10", "12,345,6", ".5", "7.", "inf", "seven", "1.2M", "850%"),
    "not_a_date": (
        "31/12/99",
        "1700/1/1",
        "3000/1/1",
        "31.12.1869",
        "01/02/1700",
        "32/13/1999",
        "soon",
        "2023-13-01",
        "2023-02-00",
        "31 Foo 1999",
    ),
    "not_a_year": ("(1700)", "99", "1999-2001", "MCMXCIX"),
    "not_a_flag": ("2", "maybe", "-1"),
    "not_a_list": (
        "[null]",
        "[None]",
        "[true]",
        "French|N/A",
        "Norwegian, Bokmål",
        "Chinese, Mandarin",
        "123",
        "['English'",
        '["a"',
        "a:b",
        "{'a'}",
    ),
    "unknown_status": (
        *("foo", "Rumour has it", "Not Released", "Unreleased", "un-released", "Unplanned", "Released?"),
        *("Rereleased", "Pre Production", "In Preproduction", "Reelased It", "eleased"),
    ),
    "invalid_language": ("xx-YY", "Cn", "JP", "jp", "eng-US", "Klingon", "xx1", "e", "NA", "NaN"),
    "invalid_tconst": ("x", "N/A", "tt", "tt12/x", "nm0000151", "9" * 21),
    "not_stars": ("8/10", "6/5", "0/5", "good", "85%"),
    "invalid_nconst": ("x", "nm", "tt0111161", "https://www.imdb.com/title/tt0111161/"),
    "not_a_timestamp": ("1260759144123", "12607591440", "31 Dec 1999", "0"),
}


def allows(rule: Rule, text: str) -> bool:
    try:
        rule.parse(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("code", "text", "written"), PAIRS)
def test_what_to_write_is_what_the_rule_takes(code: str, text: str, written: str) -> None:
    assert hint(code, COLUMNS.get(code, "column"), text) == f"write {written}"
    if code in RULES:
        assert not allows(RULES[code], text)
        assert allows(RULES[code], written)


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in ABSENT.items() for text in texts])
def test_what_nobody_can_tell_has_no_hint(code: str, text: str) -> None:
    column = "tconst" if code == "invalid_tconst" else COLUMNS.get(code, "column")
    assert hint(code, column, text) is None


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        ("not_a_date", "03/04/1999", "write 1999-04-03 if the day comes first, 1999-03-04 if the month comes first"),
        (
            "not_a_whole_number",
            "1.234",
            "write 1234 if the point separates thousands but another whole number if it begins the decimals",
        ),
        (
            "not_a_whole_number",
            "$1.000",
            "write 1000 if the point separates thousands, 1 if the point begins the decimals",
        ),
        ("not_a_number", "1,234", "write 1.234 if the comma begins the decimals"),
        ("not_a_number", "8%", "write 8 if the column is in percent"),
        ("not_a_whole_number", "€ 1 000 000", "write 1000000 if the column is in euros"),
        ("not_a_whole_number", "1.2M", "write 1200000 if it is exact"),
        ("not_a_whole_number", "$1.5 billion", "write 1500000000 if it is exact"),
        ("not_a_whole_number", "1,2M", "write 1200000 if it is exact"),
        ("not_a_whole_number", "12k", "write 12000 if it is exact"),
        (
            "not_a_whole_number",
            "1.23457E+08",
            "write 123457000 if it is exact: Excel writes any number from 123456500 to 123457499 like that",
        ),
        (
            "not_a_whole_number",
            "3E+07",
            "write 30000000 if it is exact: Excel writes any number from 25000000 to 34999999 like that",
        ),
        (
            "not_a_whole_number",
            "1.0e6",
            "write 1000000 if it is exact: Excel writes any number from 995000 to 1049999 like that",
        ),
        (
            "not_a_date",
            "1999-12-31T23:00:00.000Z",
            "write 1999-12-31 if the day is meant in the time zone of the cell",
        ),
        ("not_millions", "€333.13M", "write 333.13 if the column is in euros"),
        ("invalid_tconst", "111161", "write tt0111161 if this is the number of IMDb's id"),
        ("invalid_nconst", "151", "write nm0000151 if this is the number of IMDb's id"),
        ("not_a_timestamp", "1260759144000", "write 1260759144 if the number counts milliseconds"),
        ("not_a_date", "2023-02-30", "February 2023 has 28 days"),
        ("not_a_date", "2024-02-30", "February 2024 has 29 days"),
        ("not_a_date", "0000-00-00", LEAVE_EMPTY),
    ],
)
def test_what_can_be_read_in_two_ways_is_said(code: str, text: str, said: str) -> None:
    assert hint(code, COLUMNS.get(code, "column"), text) == said


@pytest.mark.parametrize("column", ["runtime", "runtimeMinutes", "length", "Runtime (Minutes)"])
def test_units_of_time_stand_for_minutes_only_in_columns_of_minutes(column: str) -> None:
    for text, minutes in {"142 min": 142, "142 Minutes": 142, "2h 22m": 142, "1h": 60, "1h 05": 65}.items():
        assert hint("not_a_whole_number", column, text) == f"write {minutes}"
        assert hint("not_a_whole_number", "vote_count", text) is None
    assert hint("not_a_whole_number", column, "1h 75m") is None
    assert hint("not_a_whole_number", column, "70,000") is None


# what a person could have written for the code of a rule or a check, most of it out of the range of some column
ANYTHING = (
    *(
        "85/10",
        "7,5",
        "1,234",
        "1.234",
        "-1,000",
        "-1.000",
        "70.000",
        "1e9",
        "9e18",
        "1e19",
        "$-5",
        "90 min",
        "99h",
        "862.0",
    ),
    *("1700/1/1", "3000/1/1", "01/02/1700", "01/02/1990", "31/12/1869", "1/1/1870", "(1700)", "1999.0", "yes"),
    *("English", "English, French", "[null]", "released", "Not Released", "EN", "xx-YY", "TT1", "0111161"),
    *("NM1", "1260759144000", "0000000000000"),
)


@pytest.mark.parametrize("dataset", list(REGISTRY), ids=lambda dataset: dataset.name)
def test_what_is_written_passes_the_checks_of_every_column(dataset: Dataset) -> None:
    for column in dataset.columns:
        for code, text in product((column.rule.code, *(check.code for check in column.checks)), ANYTHING):
            for value in re.findall(r"(?:write |, )(.+?)(?: if|$)", hint(code, column.name, text) or ""):
                if code in VALUED:
                    assert passes(column, value), (column.name, code, text, value)


def passes(column: Column, text: str) -> bool:
    """By pandera, as the loader does."""
    values, failed = column.rule.convert(pa.array([text]))
    checks = [_check(check) for check in column.checks]
    return not failed and all(check(_series(values)).check_passed for check in checks)


def test_the_last_day_of_a_release_is_that_of_the_loader() -> None:
    for days in (-1, 0, 1, 2):
        day = (pd.Timestamp.today() + pd.DateOffset(years=10, days=days)).date()
        uploaded = passes(next(column for column in FACTS if column.name == "release_date"), day.isoformat())
        assert uploaded == (days <= 0)
        assert (hint("not_a_date", "release_date", f"{day:%Y/%m/%d}") is not None) == uploaded


def test_bytes_that_would_be_letters_are_named() -> None:
    said = hint("invalid_utf8", "title", shown(b"caf\xe9 \xd6l caf\xe9"))
    assert said is not None
    assert "E9 would be é, D6 would be Ö" in said
    assert "write these letters in UTF-8; only if all of the file is Windows-1252, send it with encoding=" in said
    assert hint("invalid_utf8", "title", shown(b"a\x81")) is None
    assert hint("invalid_utf8", "title", shown(b"\x93quoted\x94")) is None


def test_every_code_of_reading_has_advice() -> None:
    for code in set(MESSAGES) - {"invalid_utf8"}:
        assert hint(code, None, "anything"), code


def test_every_rule_of_a_dataset_is_known() -> None:
    for dataset in REGISTRY:
        for column in dataset.columns:
            for code in (column.rule.code, *(check.code for check in column.checks)):
                if code not in (Rule.code, "invalid_tconst", "invalid_id"):  # these are required
                    assert hint(code, "column", "N/A"), code


def test_what_is_written_is_what_this_column_wants() -> None:
    assert hint("not_a_flag", "adult", "yes") == "write True"
    assert hint("not_a_flag", "is_adult", "yes") == "write 1"
    assert hint("not_a_flag", None, "yes") == "write 1"
    assert hint("not_minutes", "Runtime", "2h 22m") == "write 142"
    assert hint("not_millions", "Revenue (Millions)", "£333.13") == "write 333.13 if the column is in pounds"
    assert hint("not_millions", "Revenue (Millions)", "333,130,000") is None
    assert hint("not_a_list", "production_companies", "Pixar") is None  # a list of objects


def test_a_column_of_this_name_in_another_dataset_changes_no_hint() -> None:
    assert hint("not_a_number", "rating", "8.5/10") == "write 8.5"
    assert (hint("not_a_number", "rating", "?") or "").startswith(LEAVE_EMPTY)
    assert hint("not_stars", "rating", "?") is None


def test_a_value_that_was_cut_is_not_judged() -> None:
    assert hint("not_a_list", "languages", shown("a" * 2000)) is None


def test_hints_are_no_formulas() -> None:
    for code, text, _ in PAIRS:
        assert re.match(r"[A-Za-z]", hint(code, COLUMNS.get(code), text) or "leave")
