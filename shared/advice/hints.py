"""What a person should do about a reject, computed when the reject is shown; exact or absent, never a guess.

If a hint names a value, every dataset with such a column takes this value by its rule and its checks. If a text can be
read in two ways, the hint says so.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import singledispatch
from typing import Any, Final

from shared.advice.advice import Advice
from shared.advice.language_names import language_hint
from shared.advice.no_values import excel_error_hint, is_null_word, naming_invisible, null_word_hint
from shared.advice.number_repairs import (
    millions_hint,
    minutes_hint,
    number_hint,
    number_id_hint,
    stars_hint,
    timestamp_hint,
    whole_hint,
)
from shared.advice.repairs import date_hint, flag_hint, list_hint, person_id_hint, title_id_hint, word_hint, year_hint
from shared.catalog.checks import FIRST_DATE, YEARS_AHEAD, Between, Check, Matches, NotBlank, OneOf, ReleaseDay
from shared.catalog.dataset import Column, normalised
from shared.catalog.rules.publisher_rules import TrueFalse
from shared.csv.excel import excel_text
from shared.csv.invisible import is_blank, without_invisible
from shared.csv.reading.records import LONGEST_VALUE_CHARACTERS

_IF_UNKNOWN: Final = "correct the number, or leave the cell empty if it is not known"

_OF_CODE: Final = {
    "repeated_header": "leave the line out",
    "unterminated_quote": "close the quote at the end of the cell, or escape it where it belongs to the text",
    "stray_quote": 'escape the quote where it belongs to the text; most files double it: ""',
    "wrong_field_count": "look for a delimiter or a line end in a cell without quotes around it, or for a missing cell",
    "field_too_long": "shorten the cell, or look for a quote that opens in it and is not closed",
    "too_long": "shorten the text, or look for a quote that opens in it and is not closed",
    "record_too_long": "look for a quote that opens in its first line and is not closed",
    "mixed_encoding": "write the cell in the encoding of the file, or send the file again and name its encoding",
    "nul_byte": "remove the NUL bytes",
    "negative": _IF_UNKNOWN,
    "out_of_range": _IF_UNKNOWN,
    "date_out_of_range": "correct the date, or leave the cell empty if it is not known",
    "year_out_of_range": "correct the year, or leave the cell empty if it is not known",
    "ends_before_start": "correct one of the two years, or leave endYear empty if it is not known",
    "required": "write a value: a record without one cannot be loaded",
    "duplicate_key": "leave one record with this key; if it is another thing, give it a key of its own",
    "not_a_reject": "take _line from the rejects of the upload as they are now; what was loaded needs no correction",
    "repeated_line": "leave only one record with this _line in the file",
}

_OF_VALUE: Final[dict[str, Callable[[str], Advice]]] = {
    "not_a_whole_number": whole_hint,
    "not_minutes": minutes_hint,
    "not_millions": millions_hint,
    "not_a_number": number_hint,
    "not_stars": stars_hint,
    "not_a_date": date_hint,
    "not_a_year": year_hint,
    "not_a_flag": flag_hint,
    "not_a_list": list_hint,
    "invalid_language": language_hint,
    "not_a_timestamp": timestamp_hint,
    "invalid_tconst": title_id_hint,
    "invalid_nconst": person_id_hint,
    "invalid_id": number_id_hint,
}

_ESCAPED_BYTE: Final = re.compile(r"\\x([89a-f][0-9a-f])")


class Advisor:
    """Gives hints for the rejects of all datasets that these columns belong to."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = tuple(columns)

    def hint(self, code: str, column: str | None, value: str | None) -> str | None:
        """What to do about a reject with this code, in this column of the file, with this text.

        None if the code and the text do not show it.
        """
        if code == "invalid_utf8":
            return _encoding_hint(value or "")
        named = self._named(code, column)
        columns = named or self._able(code)
        words = _words(code, columns)
        visible = without_invisible(value or "")
        if code not in _OF_VALUE and not words:
            said = _OF_CODE.get(code)
            return said if visible else naming_invisible(said, value or "", visible)
        if value is None or len(value) > LONGEST_VALUE_CHARACTERS:  # a shortened value cannot be judged
            return None
        unwrapped = excel_text(visible)
        text = visible if unwrapped is None else unwrapped
        may_be_empty = all(one.is_nullable for one in named)
        if said := excel_error_hint(text, may_be_empty=may_be_empty):
            return said
        if is_null_word(text) and not _may_be_language(code, text):
            said = null_word_hint(value) if may_be_empty else None
        elif text != value and all(_is_allowed(text, one) for one in columns):
            said = f"write {text}"
        else:
            said = _worded(word_hint(text, words) if words else _advice(code, text, columns), columns)
        return naming_invisible(said, value, visible)

    def _able(self, code: str) -> list[Column]:
        """The columns that can have this code."""
        return [
            column for column in self._columns if code in (column.rule.code, *(check.code for check in column.checks))
        ]

    def _named(self, code: str, name: str | None) -> list[Column]:
        """Those of them that a header may call so."""
        wanted = normalised(name or "")
        return [column for column in self._able(code) if wanted in map(normalised, (column.name, *column.aliases))]


def _may_be_language(code: str, text: str) -> bool:
    """Whether a word for nothing may also be the code of a language (`na`, `nan`)."""
    return code == "invalid_language" and text.isalpha() and len(text) <= 3


def _words(code: str, columns: Sequence[Column]) -> list[str]:
    """The words that a check of this code allows."""
    checks = (check for column in columns for check in column.checks)
    return list(
        dict.fromkeys(
            word for check in checks if isinstance(check, OneOf) and check.code == code for word in check.values
        )
    )


def _advice(code: str, value: str, columns: list[Column]) -> Advice:
    """What the value may mean; a unit of time is understood only in columns of minutes, words where flags are words."""
    if code == "not_a_whole_number" and all(column.field == "runtime" for column in columns):
        return minutes_hint(value)
    if code == "not_a_flag" and all(isinstance(column.rule, TrueFalse) for column in columns):
        return (flag_hint(value) or ())[::-1]
    return _OF_VALUE[code](value)


def _worded(advice: Advice, columns: list[Column]) -> str | None:
    """The advice as a sentence; it names only values that all of these columns take."""
    if isinstance(advice, str) or advice is None:
        return advice
    allowed = [text for text in advice if all(_is_allowed(text, column) for column in columns)]
    if isinstance(advice, dict):
        allowed = [", ".join(f"{text} {advice[text]}" for text in allowed)]
    return f"write {allowed[0]}" if any(allowed) else None


def _is_allowed(text: str, column: Column) -> bool:
    try:
        value = column.rule.parse(text)
    except ValueError:
        return False
    return value is None or all(_passes(check, value) for check in column.checks)


@singledispatch
def _passes(check: Check, _value: Any) -> bool:
    """What pandera's check in the schema says about a value."""
    raise TypeError(type(check))


@_passes.register
def _(check: Between, value: float) -> bool:
    return check.low <= value and (check.high is None or value <= check.high)


@_passes.register
def _(_check: ReleaseDay, value: date) -> bool:
    today = datetime.now().astimezone()
    return value >= FIRST_DATE and (value.year - YEARS_AHEAD, value.month, value.day) <= today.timetuple()[:3]


@_passes.register
def _(check: OneOf, value: str) -> bool:
    return value in check.values


@_passes.register
def _(check: Matches, value: str) -> bool:
    return re.fullmatch(check.pattern, value, re.ASCII) is not None


@_passes.register
def _(_check: NotBlank, value: str) -> bool:
    return not is_blank(value)


def _encoding_hint(value: str) -> str | None:
    """The letters that the bytes would be in Windows-1252, if all of them would be letters."""
    octets = dict.fromkeys(_ESCAPED_BYTE.findall(value))
    letters = {octet: bytes.fromhex(octet).decode("windows-1252", "replace") for octet in octets}
    if not letters or not all(letter.isalpha() for letter in letters.values()):
        return None
    named = ", ".join(f"{octet.upper()} would be {letter}" for octet, letter in letters.items())
    return (
        f"in Windows-1252 the byte {named}: if that is right, write these letters in UTF-8; "
        "only if all of the file is Windows-1252, send it with encoding=windows-1252"
    )
