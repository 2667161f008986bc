"""What Excel puts into CSV files that is not the value itself."""

import re
from typing import Final

# ="..." keeps Excel from taking a text for a number or a date.
_TEXT_FORMULA: Final = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL)
# #DIV/0!, #NAME?, #VALUE!, in other languages #WERT!, #¡REF!; a date that does not fit into its column is #######.
_ERROR: Final = re.compile(r"#¡?[\w/]+[!?]|#{2,}")


def excel_text(value: str) -> str | None:
    """The text that Excel shows for a cell like `="1917"`; None for other cells."""
    match = _TEXT_FORMULA.fullmatch(value)
    return match[1].replace('""', '"') if match else None


def is_excel_error(value: str) -> bool:
    """Whether Excel wrote this because it could not compute or show the cell; `#N/A` also means "not available"."""
    return _ERROR.fullmatch(value) is not None
