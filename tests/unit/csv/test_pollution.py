"""Malformed records cost no others: all others of a file are loaded, whole and at their lines."""

import csv
import io
import random
from collections.abc import Callable
from typing import Literal

import pytest

from shared.csv.encodings.to_utf8 import Decoder, exchange
from shared.csv.reading.read import read_batch
from shared.csv.sniffing.sniff import TextOptions, sniff
from shared.csv.split import Splitter
from shared.ingest.intake.headers import UploadHeader
from tests.conftest import REGISTRY
from tests.rows import GOOD_MOVIE, MOVIES_HEADER

WORDS = ("film", "Night,", '"Best"', "two\nlines", "It's", "Amélie", "12", "über;", "a|b", "[REC]", "'tis", "")
STYLES = [
    (delimiter, newline, quoting)
    for delimiter in ",;|"
    for newline in ("\n", "\r\n", "\r")
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
]

Malformed = Callable[[str, str, random.Random], str]


def without_a_quote(record: str, _delimiter: str, chance: random.Random) -> str:
    quotes = [position for position, character in enumerate(record) if character == '"']
    position = chance.choice(quotes) if quotes else len(record)
    return record[:position] + record[position + 1 :] + ("" if quotes else '"x')


def with_an_open_quote(record: str, delimiter: str, chance: random.Random) -> str:
    cells = record.split(delimiter)
    position = chance.randrange(len(cells))
    cells[position] = '"' + cells[position]
    return delimiter.join(cells)


MALFORMATIONS: dict[str, Malformed] = {
    "a cell more": lambda record, delimiter, _: f"{record}{delimiter}x",
    "a cell less": lambda record, delimiter, _: record.rpartition(delimiter)[0],
    "an open quote": with_an_open_quote,
    "a quote less": without_a_quote,
    "a quoted word in a cell": lambda record, _, __: record.replace("http", '"ab"chttp'),
    "a NUL byte": lambda record, _, __: record.replace("http", "ht\0tp"),
    "bytes that are no text": lambda record, _, __: record.replace("http", "ht\udcff\udcfetp"),
    "nothing": lambda _, __, ___: "",
    "one word": lambda _, __, ___: "-----",
    "very many cells": lambda _, delimiter, chance: delimiter * chance.randint(30, 3_000),
}


def records(count: int, delimiter: str, newline: str, quoting: Literal[0, 1], chance: random.Random) -> list[str]:
    """The header and rows, without line ends."""
    rows = [dict(zip(MOVIES_HEADER, MOVIES_HEADER, strict=True))]
    for number in range(count):
        overview = " ".join(chance.choices(WORDS, k=chance.randint(0, 12)))
        rows.append({**GOOD_MOVIE, "title": f"Movie {number}", "overview": overview, "homepage": f"http://x/{number}"})
    written = []
    for row in rows:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerow(row.values())
        written.append(text.getvalue().removesuffix(newline))
    return written


@pytest.mark.parametrize(("delimiter", "newline", "quoting"), STYLES)
@pytest.mark.parametrize("kind", MALFORMATIONS)
def test_all_other_records_are_read(delimiter: str, newline: str, quoting: Literal[0, 1], kind: str) -> None:
    chance = random.Random(f"{kind} {delimiter} {newline!r} {quoting}")  # noqa: S311  no secret
    count = chance.choice([3, 10, 60])
    written = records(count, delimiter, newline, quoting, chance)
    malformed = set(chance.sample(range(1, count + 1), chance.choice([1, 2])))
    for number in malformed:
        written[number] = MALFORMATIONS[kind](written[number], delimiter, chance)
    content = "".join(record + newline for record in written).encode("utf-8", "surrogateescape")
    loaded = read(content, chance.choice([400, 5_000, 1_000_000]))
    lines, line = {}, 1
    for number, record in enumerate(written):
        if number and number not in malformed:
            lines[f"Movie {number - 1}"] = line
        line += record.count(newline[-1]) + 1
    assert {title: at for title, at in loaded.items() if title in lines} == lines


def read(content: bytes, batch_bytes: int) -> dict[str, int]:
    """The titles of valid records, and their lines."""
    decoder = Decoder()
    text = decoder.feed(content) + decoder.finish()
    found = sniff(text, TextOptions(), UploadHeader(REGISTRY), is_all=True)
    assert found is not None
    if found.dialect.is_exchanged:
        text = exchange(text)
    splitter = Splitter(found.header_end, found.first_line, batch_bytes, found.dialect, found.header)
    splitter.feed(text[found.header_end :])
    loaded: dict[str, int] = {}
    for span in splitter.finish():
        part = read_batch(text[span.byte_start : span.byte_end], span.first_line, found.dialect, found.header)
        loaded |= zip(part.table["title"].to_pylist(), part.line_numbers.tolist(), strict=True)
    return loaded
