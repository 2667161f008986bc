"""Dumps of pg_dump: every way to write a value, and every way in which a dump can be wrong."""

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.seeding.copy_blocks import CopyBlock, DumpError, Row, copy_blocks

BEGIN = "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n"
END = "--\n-- PostgreSQL database dump complete\n--\n"
HEADER = "COPY public.t (a, b) FROM stdin;\n"
Tables = list[tuple[str, tuple[str, ...], list[Row]]]

# What COPY writes for these characters.
WRITTEN = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


def read(dump: str | bytes) -> Tables:
    """Every block with its rows."""
    content = dump.encode() if isinstance(dump, str) else dump
    return [(block.table, block.columns, list(block.rows)) for block in copy_blocks(io.BytesIO(content))]


def rows_of(*lines: str) -> list[Row]:
    """The rows of one block with these lines."""
    [(_table, _columns, rows)] = read(BEGIN + HEADER + "\n".join((*lines, "\\.", END)))
    return rows


def refusal(dump: str | bytes) -> str:
    """Why it is refused."""
    with pytest.raises(DumpError) as refused:
        read(dump)
    return str(refused.value)


def written(value: str | None) -> str:
    """As COPY writes it."""
    return r"\N" if value is None else "".join(WRITTEN.get(char, char) for char in value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        (r"\N", None),
        (r"\\N", r"\N"),
        (r"x\N", "xN"),
        (r"\\.", r"\."),
        (r"a\tb\nc\rd\\e", "a\tb\nc\rd\\e"),
        (r"\b\f\v", "\b\f\v"),
        (r"\101\60\7", "A0\a"),
        (r"\303\251", "é"),
        (r"\x41\xg", "Axg"),
        ("a\\\tb", "a\tb"),  # a tab behind a backslash belongs to the value
        ("a\\\nb", "a\nb"),  # and so does a line feed
        (r"\\\N", "\\N"),
        (r"\q\"", 'q"'),
        ('{"Deleted Scenes",Trailers}', '{"Deleted Scenes",Trailers}'),
        ("COPY public.u (a) FROM stdin;", "COPY public.u (a) FROM stdin;"),
        ("-- PostgreSQL database dump complete", "-- PostgreSQL database dump complete"),
        ("łódź 村瀬 🎬", "łódź 村瀬 🎬"),
    ],
)
def test_a_field_is_what_was_written(field: str, value: str | None) -> None:
    assert rows_of(f"{field}\tlast", f"first\t{field}") == [[value, "last"], ["first", value]]


VALUES = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.sampled_from(["\\", r"\.", r"\N"])
)


@given(rows=st.lists(st.tuples(VALUES, VALUES), max_size=8), has_returns=st.booleans())
def test_what_copy_writes_is_read(rows: list[tuple[str | None, str | None]], has_returns: bool) -> None:
    lines = [f"{written(first)}\t{written(last)}\n" for first, last in rows]
    dump = f"{BEGIN}{HEADER}{''.join(lines)}\\.\n{END}"
    found = read(dump.replace("\n", "\r\n") if has_returns else dump)
    assert found == [("t", ("a", "b"), [list(row) for row in rows])]


def test_a_dump_that_is_cut_off_anywhere_is_never_taken_for_whole() -> None:
    dump = (BEGIN + HEADER + "1\tone\n2\ttwo\n\\.\n\n" + HEADER.replace(".t", ".u") + "\\.\n" + END).encode()
    begun, complete = dump.index(b"SET"), dump.index(b"complete") + len(b"complete")
    for cut in range(begun, complete):
        assert "cut off" in refusal(dump[:cut]), dump[:cut]


def test_a_dump_has_several_tables_also_empty_ones() -> None:
    dump = f"{BEGIN}{HEADER}\\.\n\nCREATE TABLE u (a int);\nCOPY u (a) FROM stdin;\n\n\\.\n{END}"
    assert read(dump) == [("t", ("a", "b"), []), ("u", ("a",), [[""]])]


def test_names_may_be_in_quotes() -> None:
    dump = f'{BEGIN}COPY "My Films"."film ""x""" ("The Title", año, b) FROM stdin;\n1\t2\t3\n\\.\n{END}'
    assert read(dump) == [('film "x"', ("The Title", "año", "b"), [["1", "2", "3"]])]


def test_rows_that_nobody_reads_are_skipped() -> None:
    dump = f"{BEGIN}{HEADER}1\t2\n3\t4\n\\.\n{HEADER}5\t6\n\\.\n{END}".encode()
    first: list[Row] = [next(block.rows) for block in copy_blocks(io.BytesIO(dump))]
    assert first == [["1", "2"], ["5", "6"]]


def test_what_pg_dump_has_not_written_needs_no_end() -> None:
    assert read(f"{HEADER}1\t2\n\\.") == [("t", ("a", "b"), [["1", "2"]])]


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        (f"{BEGIN}{HEADER}1\n\\.\n{END}", "line 7: a row of t has 1 fields, and its columns are 2"),
        (f"{BEGIN}{HEADER}1\t2\t\n\\.\n{END}", "has 3 fields"),
        (f"{BEGIN}{HEADER}\n\\.\n{END}", "has 1 fields"),
        (f"{BEGIN}{HEADER}1\t2", "line 7: it is cut off in the rows of t"),
        (f"{BEGIN}{HEADER}1\t2\n", "cut off in the rows of t"),
        (f"{BEGIN}{HEADER}1\t2\\\n", "cut off in the rows of t"),
        (f"{BEGIN}{HEADER}1\t2\n\\.\n", "line that says that it is complete is missing"),
        (f"{BEGIN}COPY t (a) FROM stdin WITH (FORMAT csv);\n", "in the text format"),
        (f"{BEGIN}COPY t FROM stdin;\n", "a list of columns"),
        (f"{BEGIN}COPY public.t (a, b) FROM stdin;\r\n1\t2\n\\.\r\n", "end in different ways"),
        (f"{BEGIN}{HEADER}".encode() + b"\xff\t\\377\n\\.\n", "no text in UTF-8"),
        (f"{BEGIN}{HEADER}1\t\\377\n\\.\n{END}", "no text in UTF-8"),
        (BEGIN.replace("UTF8", "LATIN1") + END, "its encoding is LATIN1; make one in UTF8"),
        (b"PGDMP\x01\x0e\x00", "custom format"),
        (b"\x1f\x8b\x08\x00", "unpack it"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(dump: str | bytes, expected: str) -> None:
    assert expected in refusal(dump)


def test_a_line_without_end_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.seeding.copy_blocks._LONGEST_LINE", 1000)
    assert "line 7: the line is longer than 1,000 bytes" in refusal(f"{BEGIN}{HEADER}1\t{'x' * 2000}\n\\.\n{END}")


def test_rows_come_as_they_are_read() -> None:
    dump = io.BytesIO((BEGIN + HEADER + 100_000 * "1\t2\n" + "\\.\n" + END).encode())
    block: CopyBlock = next(iter(copy_blocks(dump)))
    positions = [dump.tell() for _row, _ in zip(block.rows, range(3), strict=False)]
    assert all(later - earlier == len("1\t2\n") for earlier, later in pairwise(positions))
