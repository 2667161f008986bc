"""The columns that a download of rejects adds in front of the file's own."""

from typing import Final

# Identifies the rejected record: the line of the uploaded file at which the record begins.
LINE_COLUMN: Final = "_line"
REJECT_COLUMNS: Final = (LINE_COLUMN, "_column", "_code", "_message", "_hint")

# The same for spreadsheets; the name says that cells may begin with an apostrophe of ours.
SHEET_LINE_COLUMN: Final = "_sheet_line"
SHEET_COLUMNS: Final = (SHEET_LINE_COLUMN, *REJECT_COLUMNS[1:], "_record")
