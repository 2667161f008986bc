"""What a cell holds that is no value: a word for nothing, an error of Excel, characters that cannot be seen."""

import json
from typing import Final

from shared.csv.excel import is_excel_error
from shared.csv.invisible import invisible_characters, without_invisible

LEAVE_EMPTY: Final = "leave the cell empty"
# Some of these are language codes, too.
NULL_WORDS: Final = frozenset(
    (
        *(
            "",
            "\\n",
            "null",
            "none",
            "nil",
            "nan",
            "nat",
            "n/a",
            "#n/a",
            "#nv",
            "na",
            "n.a.",
            "<na>",
            "<null>",
            "(null)",
        ),
        *("unknown", "undefined", "-", "--", "\u2013", "\u2014", "?", "tbd", "tba"),
    )
)
_MOST_NAMED: Final = 3


def is_null_word(text: str) -> bool:
    """Whether people and programs write this where there is no value."""
    return text.strip().casefold() in NULL_WORDS


def null_word_hint(value: str) -> str:
    """For a word that means null, in a column that may be null."""
    if value != without_invisible(value) or not value:
        return LEAVE_EMPTY
    words = json.dumps(["", value], ensure_ascii=False)
    return f'{LEAVE_EMPTY}, or send the file with schema={{"missingValues": {words}}}: {value} then means no value'


def excel_error_hint(text: str, *, may_be_empty: bool) -> str | None:
    """For a cell that Excel could not compute."""
    if not is_excel_error(text):
        return None
    otherwise = f", or {LEAVE_EMPTY}" if may_be_empty else ""
    return f"Excel could not compute this cell or show its value: correct it in the spreadsheet{otherwise}"


def naming_invisible(said: str | None, value: str, visible: str) -> str | None:
    """The hint, after the characters of the value that cannot be seen and are not in its visible text."""
    unseen = [f"U+{ord(one):04X}" for one in invisible_characters(value) if one not in visible]
    if not said or not unseen:
        return said
    others = [f"{len(unseen) - _MOST_NAMED} others"] if len(unseen) > _MOST_NAMED else []
    return f"the cell holds {' and '.join(unseen[:_MOST_NAMED] + others)}, which cannot be seen: {said}"
