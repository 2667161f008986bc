"""How to correct the text of a cell that should be a date, a year, a flag, a list, a word or an id.

One function for each code. The texts have no white space around them, and nothing else that cannot be seen.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from shared.advice.advice import Advice
from shared.advice.language_names import are_languages
from shared.advice.no_values import LEAVE_EMPTY, NULL_WORDS
from shared.catalog.rules.literals import literal_list

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_ZONED: Final = re.compile(r".{10}[T ].*\d(?:Z|[+-]\d{2}:?\d{2})")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: \d{1,2}:\d{2}.*)?")
_EIGHT_DIGITS: Final = re.compile(r"((?:18|19|20)\d\d)(\d\d)(\d\d)")
_DAY_MONTH_YEAR: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_MONTH_DAY_YEAR: Final = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)

_YES, _NO = ("true", "t", "yes", "y"), ("false", "f", "no", "n")

_NO_NAMES: Final = NULL_WORDS.union(_YES, _NO)
_LIST_ITEM: Final = re.compile(r"[^\W\d_][^\[\]{}()'\"\\:]*")


def date_hint(text: str) -> Advice:
    """For a date."""
    if match := _YEAR_FIRST.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text):
        return _year_first(text, *map(int, match.groups()))
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
    match = _YEAR_FIRST.fullmatch(text) or re.fullmatch(r"\((\d{4})\)|(\d{4})\.0*", text)
    return (match[1] or match[2],) if match else (text,)


def flag_hint(text: str) -> tuple[str, ...] | None:
    """For 0 or 1."""
    word = text.casefold()
    if word in _YES:
        return ("1", "True")
    return ("0", "False") if word in _NO else None


def list_hint(text: str) -> Advice:
    """For a list of strings."""
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


def title_id_hint(text: str) -> Advice:
    """For IMDb's id of a title."""
    return _identifier_hint(text, "title", "tt")


def person_id_hint(text: str) -> Advice:
    """For IMDb's id of a person."""
    return _identifier_hint(text, "name", "nm")


def _identifier_hint(text: str, page: str, prefix: str) -> Advice:
    """For an id of IMDb; its number has at least seven digits, and fewer may have lost their zeros."""
    address = rf"(?:https?://)?(?:www\.|m\.)?imdb\.com/{page}/({prefix}\d+)(?:[/?#].*)?"
    match = re.fullmatch(rf"{address}|({prefix})?(\d+)/?", text, re.IGNORECASE | re.ASCII)
    if match is None:
        return None
    if match[1]:
        return (match[1].lower(),)
    if match[2] or len(match[3]) >= 7:
        return (f"{prefix}{match[3]}",)
    return {f"{prefix}{match[3]:0>7}": "if this is the number of IMDb's id"}


def _year_first(text: str, year: int, month: int, day: int) -> Advice:
    """A date with the year first; with a time of some zone, the day may be another one elsewhere."""
    found = _as_iso(year, month, day)
    if found and _ZONED.fullmatch(text):
        return {found[0]: "if the day is meant in the time zone of the cell"}
    return found or _why_no_day(year, month, day)


def _either_order(first: int, second: int, year: int) -> Advice:
    """A date with the year last. Which of the other numbers is the month shows only if one of them cannot be."""
    as_day_month, as_month_day = _day(year, second, first), _day(year, first, second)
    if as_day_month and as_month_day and as_day_month != as_month_day:
        return {str(as_day_month): "if the day comes first", str(as_month_day): "if the month comes first"}
    found = as_day_month or as_month_day
    return (found.isoformat(),) if found else None


def _as_iso(year: int, month: int, day: int) -> tuple[str] | None:
    found = _day(year, month, day)
    return (found.isoformat(),) if found else None


def _why_no_day(year: int, month: int, day: int) -> str | None:
    if not (year or month or day):
        return LEAVE_EMPTY
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
    try:
        items = literal_list(text)
    except ValueError:
        return None
    names = [item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
    return names if len(names) == len(items) else None
