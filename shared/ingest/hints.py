"""What a person should do about a reject, computed when it is shown; exact or absent, never a guess.

A hint that names a value names one that the column's rule accepts, in every dataset that has such a column; where a
text can be read in two ways, it says so.
"""

import re
from collections.abc import Callable
from typing import Final

from shared.datasets import DATASETS, normalised
from shared.datasets.rules import Rule
from shared.ingest.records import LONGEST_VALUE_CHARACTERS
from shared.ingest.repairs import (
    Advice,
    date_hint,
    flag_hint,
    identifier_hint,
    language_hint,
    list_hint,
    millions_hint,
    number_hint,
    number_id_hint,
    status_hint,
    whole_hint,
    year_hint,
)

LEAVE_EMPTY: Final = "leave the cell empty"
_IF_UNKNOWN: Final = "correct the number, or leave the cell empty if it is not known"

_OF_CODE: Final = {
    "blank_line": "leave the line out",
    "repeated_header": "leave the line out",
    "unterminated_quote": "close the quote at the end of the cell, or escape it where it belongs to the text",
    "stray_quote": 'escape the quote where it belongs to the text; in most files that is to double it: ""',
    "wrong_field_count": "look for a delimiter or a line end in a cell without quotes around it, or for a missing cell",
    "field_too_long": "shorten the cell, or look for a quote that opens in it and is not closed",
    "record_too_long": "look for a quote that opens in its first line and is not closed",
    "nul_byte": "remove the NUL bytes",
    "negative": _IF_UNKNOWN,
    "out_of_range": _IF_UNKNOWN,
    "date_out_of_range": "correct the date, or leave the cell empty if it is not known",
    "year_out_of_range": "correct the year, or leave the cell empty if it is not known",
    "ends_before_start": "correct one of the two years, or leave endYear empty if it is not known",
    "required": "write a value: a record without one cannot be loaded",
    "not_a_reject": "take _line from the rejects of the upload as they are now; what was loaded needs no mending",
    "repeated_line": "leave only one record with this _line in the file",
}

_OF_VALUE: Final[dict[str, Callable[[str], Advice]]] = {
    "not_a_whole_number": whole_hint,
    "not_minutes": whole_hint,
    "not_millions": millions_hint,
    "not_a_number": number_hint,
    "not_a_date": date_hint,
    "not_a_year": year_hint,
    "not_a_flag": flag_hint,
    "not_a_list": list_hint,
    "unknown_status": status_hint,
    "invalid_language": language_hint,
    "invalid_tconst": identifier_hint,
    "invalid_id": number_id_hint,
}

# Some of them are codes of languages, too.
_NULL_WORDS: Final = frozenset(
    ("", "n/a", "#n/a", "na", "null", "none", "nil", "nan", "unknown", "undefined", "-", "--", "?", "tbd", "tba")
)
_ESCAPED_BYTE: Final = re.compile(r"\\x([89a-f][0-9a-f])")
_COLUMNS: Final = tuple(column for dataset in DATASETS.values() for column in dataset.columns)
_RULES: Final = tuple((frozenset(map(normalised, (column.name, *column.aliases))), column.rule) for column in _COLUMNS)
_REQUIRED: Final = frozenset(
    normalised(name) for column in _COLUMNS if column.required for name in (column.name, *column.aliases)
)


def hint(code: str, column: str | None, value: str | None) -> str | None:
    """What to do about a reject with this code, in this column of the file, with this text; None: nobody can tell."""
    if code == "invalid_utf8":
        return _encoding_hint(value or "")
    if code not in _OF_VALUE:
        return _OF_CODE.get(code)
    if value is None or len(value) > LONGEST_VALUE_CHARACTERS:  # what was cut cannot be judged
        return None
    if value.strip().casefold() in _NULL_WORDS:
        is_safe = normalised(column or "") not in _REQUIRED and not (code == "invalid_language" and value.isalpha())
        return LEAVE_EMPTY if is_safe else None
    advice = _OF_VALUE[code](value)
    if isinstance(advice, str) or advice is None:
        return advice
    return next((f"write {text}" for text in advice if _is_accepted(text, code, column)), None)


def _is_accepted(text: str, code: str, column: str | None) -> bool:
    """By each rule that may have given this code; a code of a check has none."""
    rules = [(names, rule) for names, rule in _RULES if rule.code == code]
    of_column = [rule for names, rule in rules if normalised(column or "") in names]
    return all(_parses(rule, text) for rule in of_column or [rule for _, rule in rules])


def _parses(rule: Rule, text: str) -> bool:
    try:
        rule.parse(text)
    except ValueError:
        return False
    return True


def _encoding_hint(value: str) -> str | None:
    """Which letters the bytes would be in Windows-1252, if they all are letters."""
    octets = dict.fromkeys(_ESCAPED_BYTE.findall(value))
    letters = {octet: bytes.fromhex(octet).decode("windows-1252", "replace") for octet in octets}
    if not letters or not all(letter.isalpha() for letter in letters.values()):
        return None
    named = ", ".join(f"{octet.upper()} would be {letter}" for octet, letter in letters.items())
    return f"in Windows-1252 the byte {named}: if that is right, send the file with encoding=windows-1252"
