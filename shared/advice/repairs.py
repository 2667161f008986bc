"""How to correct the text of a cell, for the mistakes that people make most often; one function for each code.

Each function takes the text and returns one of these:

    a tuple     texts; the first one that the column takes is what to write
    a dict      texts with their conditions, where the text can be read in two ways
    a string    a sentence that names no value
    None        no advice
"""

import ast
import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final, TypeAlias

from shared.advice.language_names import are_languages

Advice: TypeAlias = tuple[str, ...] | dict[str, str] | str | None

# Some of these are language codes, too.
NULL_WORDS: Final = frozenset(
    ("", "n/a", "#n/a", "na", "null", "none", "nil", "nan", "unknown", "undefined", "-", "--", "?", "tbd", "tba")
)

_CURRENCY: Final = r"(?:US\$|[$€£¥]|USD|EUR|GBP)"
_MONEY: Final = re.compile(rf"{_CURRENCY}?\s*(?P<number>[+-]?[\d.,' ]*\d)\s*{_CURRENCY}?", re.IGNORECASE | re.ASCII)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?P<mark>[.,' ])\d{3}(?:(?P=mark)\d{3})*", re.ASCII)
_MINUTES: Final = re.compile(r"(\d+)\s*(?:min|mins|min\.|minutes?)", re.IGNORECASE)
_HOURS: Final = re.compile(r"(\d{1,2})\s*(?:h|hrs?|hours?)\s*(?:([0-5]?\d)\s*(?:m|mins?|minutes?)?)?", re.IGNORECASE)
_OUT_OF_TEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*10")
_EXPONENT: Final = re.compile(r"\d+(?:\.\d+)?[eE]\+?\d{1,2}")

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: \d{1,2}:\d{2}.*)?")
_EIGHT_DIGITS: Final = re.compile(r"((?:18|19|20)\d\d)(\d\d)(\d\d)")
_DAY_MONTH_YEAR: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_MONTH_DAY_YEAR: Final = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)

_YES, _NO = ("true", "t", "yes", "y", "1.0"), ("false", "f", "no", "n", "0.0")
_IDENTIFIER: Final = re.compile(r"(?:https?://(?:www\.|m\.)?imdb\.com/title/)?(?:tt)?(\d+)/?", re.IGNORECASE)

_NO_NAMES: Final = NULL_WORDS.union(_YES, _NO)
_LIST_ITEM: Final = re.compile(r"[^\W\d_][^\[\]{}()'\"\\:]*")


def minutes_hint(text: str) -> Advice:
    """For a whole number of minutes."""
    text = text.strip()
    if match := _MINUTES.fullmatch(text):
        return (match[1],)
    if match := _HOURS.fullmatch(text):
        return (str(int(match[1]) * 60 + int(match[2] or 0)),)
    return whole_hint(text)


def whole_hint(text: str) -> Advice:
    """For a whole number."""
    text = text.strip()
    if _EXPONENT.fullmatch(text) and float(text).is_integer():
        return (str(int(float(text))),)
    number = _number(text)
    return None if number is None else _whole_of(number)


def _whole_of(number: str) -> Advice:
    grouped = _THOUSANDS.fullmatch(number.lstrip("-"))
    if grouped is None:
        return (_decimal(number) or "",)
    digits = re.sub(r"[^\d-]", "", number)
    if grouped["mark"] == "." and number.count(".") == 1:
        return {digits: "if the point separates thousands"}
    return (digits,)


def number_hint(text: str) -> Advice:
    """For a decimal number."""
    text = text.strip()
    if match := _OUT_OF_TEN.fullmatch(text):
        return (match[1],)
    number = _number(text)
    if number is None:
        return None
    unsigned = number.lstrip("+-")
    if re.fullmatch(r"\d{1,3},\d{3}", unsigned):
        return {
            number.replace(",", ""): "if the comma separates thousands",
            number.replace(",", "."): "if the comma is the decimal mark",
        }
    if _THOUSANDS.fullmatch(unsigned):
        return (re.sub(r"[^\d-]", "", number),)
    return (_decimal(number) or "",)


def millions_hint(text: str) -> Advice:
    """For an amount in millions.

    Only decimals are corrected: an amount with thousands separators is more likely not in millions.
    """
    number = _number(text.strip())
    if number is None or _THOUSANDS.search(number):
        return None
    return (_decimal(number) or "",)


def date_hint(text: str) -> Advice:
    """For a date."""
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text):
        year, month, day = map(int, match.groups())
        return _as_iso(year, month, day) or _why_no_day(year, month, day)
    if match := _YEAR_LAST.fullmatch(text):
        return _either_order(*map(int, match.groups()))
    if match := _DAY_MONTH_YEAR.fullmatch(text):
        return _as_iso(int(match[3]), _month(match[2]), int(match[1]))
    if match := _MONTH_DAY_YEAR.fullmatch(text):
        return _as_iso(int(match[3]), _month(match[1]), int(match[2]))
    if re.fullmatch(r"\d{4}(?:-\d{2})?", text):
        return "write the whole day as YYYY-MM-DD, or leave the cell empty if it is not known"
    return None


def year_hint(text: str) -> Advice:
    """For a year."""
    text = text.strip()
    match = _YEAR_FIRST.fullmatch(text) or re.fullmatch(r"\((\d{4})\)|(\d{4})\.0*", text)
    return (match[1] or match[2],) if match else (text,)


def flag_hint(text: str) -> Advice:
    """For 0 or 1."""
    word = text.strip().casefold()
    if word in (*_YES, "1"):
        return ("1", "True")
    return ("0", "False") if word in (*_NO, "0") else None


def list_hint(text: str) -> Advice:
    """For a list of strings."""
    text = text.strip()
    if named := _names_of_objects(text):
        return (repr(named),)
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    items = [item.strip() for item in re.split(r"[,;|]", bare)]
    if not all(_LIST_ITEM.fullmatch(item) and item.casefold() not in _NO_NAMES for item in items):
        return None
    return None if "," in bare and not are_languages(items) else (repr(items),)


def word_hint(text: str, words: Iterable[str]) -> Advice:
    """For one of these words."""
    return tuple(word for word in words if _is_nearly(_letters(text), _letters(word)))


def _letters(text: str) -> str:
    """The text without what people write in different ways: case, spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", text).casefold()


def _is_nearly(text: str, word: str) -> bool:
    """Whether at most one letter, but not the first, is missing, extra, wrong or swapped with the next one.

    Allowing more would take one word for another: `Rereleased` for Released, `Preproduction` for Post Production.
    """
    same = next(
        (at for at, pair in enumerate(zip(text, word, strict=False)) if len({*pair}) > 1), min(len(text), len(word))
    )
    ours, theirs = text[same:], word[same:]
    is_transposition = ours[:2] == theirs[1::-1] and ours[2:] == theirs[2:]
    is_one_edit = is_transposition or ours[1:] in (theirs, theirs[1:]) or ours == theirs[1:]
    return same > 0 and text.isalpha() and is_one_edit


def identifier_hint(text: str) -> Advice:
    """For IMDb's id of a title."""
    match = _IDENTIFIER.fullmatch(text.strip())
    return (f"tt{match[1]}",) if match and match[1].isascii() else None


def number_id_hint(text: str) -> Advice:
    """For an id that is a number; programs that read it as a decimal number write it as `862.0`."""
    match = re.fullmatch(r"\s*(\d+)(?:\.0+)?\s*", text, re.ASCII)
    return (match[1],) if match else None


def _number(text: str) -> str | None:
    """An amount without its currency."""
    match = _MONEY.fullmatch(text.replace("\u00a0", " ").replace("\u202f", " "))
    return match["number"].removeprefix("+") if match else None


def _decimal(number: str) -> str | None:
    """The number with a point before the decimals.

    `1.234,5` and `1,234.5` show it by their last mark, `7,5` by its single comma.
    """
    for thousands, point in (".", ","), (",", "."), (" ", ","), (" ", "."), ("'", "."):
        whole, _, decimals = number.partition(point)
        if decimals.isdecimal() and thousands in whole and _THOUSANDS.fullmatch(whole.lstrip("+-")):
            return f"{whole.replace(thousands, '')}.{decimals}"
    if re.fullmatch(r"-?\d+,\d{1,2}", number):
        return number.replace(",", ".")
    return number if re.fullmatch(r"-?\d+(\.\d+)?", number) else None


def _either_order(first: int, second: int, year: int) -> Advice:
    """A date with the year last. Which of the other numbers is the month shows only if one of them cannot be."""
    as_day_month, as_month_day = _day(year, second, first), _day(year, first, second)
    if as_day_month and as_month_day and as_day_month != as_month_day:
        return {str(as_day_month): "if the day comes first", str(as_month_day): "if the month comes first"}
    found = as_day_month or as_month_day
    return (found.isoformat(),) if found else None


def _as_iso(year: int, month: int, day: int) -> Advice:
    found = _day(year, month, day)
    return (found.isoformat(),) if found else None


def _why_no_day(year: int, month: int, day: int) -> str | None:
    if not (year or month or day):
        return "leave the cell empty"
    if not 1 <= month <= len(_MONTHS) or not 1 <= day <= 31 or not year:
        return None
    last = next(last for last in range(31, 0, -1) if _day(year, month, last))
    return f"{_MONTHS[month - 1].capitalize()} {year} has {last} days"


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    """1 to 12; 0 if it is not the name of a month."""
    name = name.casefold()
    return next((number for number, month in enumerate(_MONTHS, 1) if name in (month, month[:3], month[:4])), 0)


def _names_of_objects(text: str) -> list[str] | None:
    """The names in a list of objects, as TMDB's own export writes it."""
    value = _literal(text)
    if not isinstance(value, list) or not value:
        return None
    names = [item["name"] for item in value if isinstance(item, dict) and isinstance(item.get("name"), str)]
    return names if len(names) == len(value) else None


def _literal(text: str) -> Any:
    for read in json.loads, ast.literal_eval:
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
    return None
