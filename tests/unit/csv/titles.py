"""Titles of films in many languages, and the encodings that people have used for them: `titles.txt`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

# (language, encoding): the titles that the encoding can write
TITLES: Final[dict[tuple[str, str], list[str]]] = {}


def _is_encodable(text: str, encoding: str) -> bool:
    try:
        return text.encode(encoding).decode(encoding) == text
    except UnicodeEncodeError:
        return False


for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
    language, encodings, titles = line.split(": ", 2)
    for name in encodings.split():
        TITLES[language, name] = [title for title in titles.split("|") if _is_encodable(title, name)]


def samples(titles: Sequence[str], count: int) -> Iterator[list[str]]:
    """Several choices of so many titles; titles of two parts if there are not enough of one."""
    if count > len(titles):
        yield [f"{first} / {second}" for first in titles for second in titles][:count]
        return
    for start in range(0, len(titles), max(count // 2, 1)):
        yield [titles[(start + at) % len(titles)] for at in range(count)]


def table(titles: Sequence[str]) -> str:
    """A table whose other cells are ASCII."""
    rows = [f"{1000 + at},,en,Own,Plot of the film.,2001-02-03,{title}" for at, title in enumerate(titles)]
    return "\r\n".join(["budget,homepage,original_language,original_title,overview,release_date,title", *rows, ""])
