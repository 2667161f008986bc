"""The shape of a table of which nothing is known: delimiter, columns, and whether its first record is a header."""

import csv
import io
from typing import Any

import pytest

from shared.csv.dialect import DELIMITERS
from shared.csv.sniffing.shape import Shape, shape_of

ROWS = [["name", "n", "day"], ["Ada", "1", "2001-07-09"], ["Bob", "22", "2002-07-09"], ["Cy", "3", "2003-07-09"]]


def shape(text: str, delimiter: str | None = None, quoting: bool | None = None) -> Shape:
    return shape_of(text.encode(), delimiter, quoting)


def written(rows: list[list[str]], **style: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **style).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize(
    "style", [{}, {"quoting": csv.QUOTE_ALL}, {"quoting": csv.QUOTE_ALL, "quotechar": "'"}], ids=repr
)
def test_each_delimiter_is_recognised(delimiter: str, style: dict[str, Any]) -> None:
    assert shape(written(ROWS, delimiter=delimiter, **style)) == Shape(delimiter, 3, has_header=True)
    assert shape(written(ROWS[1:], delimiter=delimiter, **style)) == Shape(delimiter, 3, has_header=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # decimal commas
        ("a;b\n1,5;2,5\n3,5;4,5\n", (";", 2, True)),
        ("1,5;2,5\n3,5;4,5\n5,5;6,5\n", (";", 2, False)),
        ("1,5\t-2,5\n3,5\t-4,5\n", ("\t", 2, False)),
        ("name;price;n\nA, B;1,50;3\nC;2,00;4\n", (";", 3, True)),
        # rare delimiters are in values, too
        ("2020-01-01 10:00:00,5\n2020-01-02 10:00:00,6\n", (",", 2, False)),
        ("John A Smith,5\nJane B Doe,6\n", (",", 2, False)),
        ("a|b c d\n1|x y z\n2|x y z\n", ("|", 2, True)),
        # lines before the header
        ("Report of 2020\n\nname,n\nA,1\nB,2\nC,3\n", (",", 2, True)),
        ("Report, of 2020\n\nname,n,m\nA,1,1\nB,2,1\nC,3,1\n", (",", 3, True)),
        # quotes
        ('a,b\n"x,y",1\n"z,w",2\n', (",", 2, True)),
        ('a;b\n"x\ny; z",1;5\n"z";2\n"w";3\n', (";", 2, True)),
        ('a\tb\n"x\t1\ny\t2\n', ("\t", 2, True)),
        ('a,b\n"say ""hi"", you",1\n"z",2\n', (",", 2, True)),
        # one column
        ("names\nAda\nBob\n", (",", 1, True)),
        ("n\n1\n2\n", (",", 1, True)),
        ("1\n2\n3\n", (",", 1, False)),
        ("Ada, Bob\nX\nY\n", ("\t", 1, True)),
        # what says little
        ("", (",", 1, True)),
        ("x", (",", 1, True)),
        ("a,b", (",", 2, True)),
        ("1,2", (",", 2, False)),
        ("\n\n", (",", 1, True)),
    ],
)
def test_the_shape_of_a_table(text: str, expected: tuple[str, int, bool]) -> None:
    assert shape(text) == Shape(*expected)


@pytest.mark.parametrize(
    ("text", "has_header"),
    [
        ("name,city\nAda,London\nBob,Paris\n", True),
        ("Ada,London\nBob,Paris\n", True),
        ("id,flag\n1,true\n2,false\n", True),
        ("1,true\n2,false\n", False),
        ("x,2020-01-01\ny,2020-01-02\n", False),
        ("x,10:20\ny,10:30\n", False),
        ("x,5%\ny,6%\n", False),
        (",n\n1,2\n3,4\n", True),
        ("name,2019,share\nA,x,1\nB,y,2\n", True),
    ],
)
def test_a_header_has_text_where_others_have_values(text: str, *, has_header: bool) -> None:
    assert shape(text).has_header is has_header


def test_what_the_client_says_counts() -> None:
    assert shape("a,b\n1,2\n", delimiter="|") == Shape("|", 1, has_header=True)
    assert shape("a|b,c\n1|2,3\n4|5,6\n", delimiter="|") == Shape("|", 2, has_header=True)
    text = 'a,b\n"x,1\n"y,2\n'
    assert shape(text, quoting=False) == Shape(",", 2, has_header=True)


def test_only_the_beginning_counts_and_only_its_whole_lines() -> None:
    text = "a,b\n" + "1,2\n" * 100_000
    assert shape(text + "x;y;z;" * 1_000) == Shape(",", 2, has_header=True)
    assert shape("a,b\n" + "1," + "x" * 500_000) == Shape(",", 2, has_header=True)
