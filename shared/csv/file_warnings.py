"""What is told about a file that loads: a guess that the rest of the file contradicts, lines that hold nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

# A file may be full of them: the count is exact, the locations are the first ones.
MOST_LOCATIONS: Final = 20

MESSAGES: Final = {
    "blank_lines": "the lines hold nothing; they count as no records",
    "quotes_contradict": "cells are in quotes here, although the first records have none; they were read without them."
    " If quotes belong to the text, send the file with quoting=false",
    "plain_backslashes": "a backslash before a quote, a delimiter, a line end or a backslash is a plain character here",
    "apostrophes": "cells are between apostrophes here, which are read as a part of the text",
    "joined_lines": "quotes make one record of several lines here, and each of them has as many fields as a record",
    "mixed_line_ends": "lines end with a carriage return here, which the header's line does not; it is part of no cell",
    "doubled_returns": "each line ends with two carriage returns, as if it were written twice as text; one was removed",
    "paired_colons": "two colons between the cells were read as a tab; rejects are downloaded with tabs",
    "no_final_line_end": "the last line has no line end: if the file was cut off, its last cell is incomplete",
    "guessed_encoding": "the file does not say its encoding; it was read as {encoding}, for example {words}. If that is"
    " wrong, send it with the right name as encoding",
    "no_header": "the file has no header; its columns were recognised by their values",
    "two_digit_years": "the format {format} has two digits for the year: 69 to 99 were read as 1969 to 1999, others as"
    " 2000 to 2068",
    "column_left_out": "{name} is not read as {column}, because most of its first values contradict that; it is kept in"
    " extra. If it is, say so with mapping= or dataset=, and with schema= how it is written",
    "small_ratings": "none of the first ratings in {name} is above 5; they are read as means of votes from 0 to 10. If"
    " they are stars, undo the upload and send the file with dataset={dataset} and mapping={mapping}: then they are"
    " kept in extra",
    "null_words": "{column} holds {words} as text; if that means nothing here, send the file with schema={schema}",
    "excel_cells": '{column} holds cells that Excel would show as another text (="...") or could not compute (#NAME?)',
    "dataset_declared": "the file is of none of the datasets, so {name} was declared for it; its types are those of the"
    " first {records} records. GET /datasets/{name} shows them",
    "same_content": "upload {upload} has the same bytes and holds its own rows of them",
}


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines `line` to `to_line` of the file, counted from 1."""

    line: int
    to_line: int


@dataclass(frozen=True, slots=True)
class FileWarning:
    """One kind of thing to know about a file; `count` of them, at `locations`. Codes are stable."""

    code: str
    message: str
    count: int = 1
    locations: tuple[LineRange, ...] = ()

    @classmethod
    def at_lines(cls, code: str, lines: Sequence[int], message: str | None = None) -> Self:
        """Of these lines, in order: neighbours are one range."""
        return cls(code, message or MESSAGES[code], len(lines), tuple(_joined(LineRange(line, line) for line in lines)))

    def to_json(self) -> dict[str, Any]:
        """For the database and the API."""
        locations = [{"line": lines.line, "to_line": lines.to_line} for lines in self.locations]
        return {"code": self.code, "message": self.message, "count": self.count, "locations": locations}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        locations = tuple(LineRange(lines["line"], lines["to_line"]) for lines in stored["locations"])
        return cls(stored["code"], stored["message"], stored["count"], locations)


def merged(warnings: Iterable[FileWarning]) -> list[FileWarning]:
    """One warning for each code and message, with the sum of the counts; `warnings` are in the order of the file."""
    groups: dict[tuple[str, str], list[FileWarning]] = {}
    for warning in warnings:
        groups.setdefault((warning.code, warning.message), []).append(warning)
    return [
        FileWarning(
            code,
            message,
            sum(warning.count for warning in group),
            tuple(_joined(lines for warning in group for lines in warning.locations)),
        )
        for (code, message), group in groups.items()
    ]


def _joined(locations: Iterable[LineRange]) -> list[LineRange]:
    """The first locations; those that follow each other become one."""
    found: list[LineRange] = []
    for lines in locations:
        if found and lines.line <= found[-1].to_line + 1:
            found[-1] = LineRange(found[-1].line, max(found[-1].to_line, lines.to_line))
        elif len(found) == MOST_LOCATIONS:
            break
        else:
            found.append(lines)
    return found
