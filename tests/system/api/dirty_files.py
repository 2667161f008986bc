"""One file for each kind of dirt, and what must become of it: docs/FILES.md says the same to people."""

import gzip
import io
import zipfile
from dataclasses import dataclass, field

from tests.rows import MOVIES_HEADER, movies, titles

# Three good rows stand before the dirt, which begins at line 5, and three behind it.
DIRTY_LINE = 5
AROUND = 6


@dataclass(frozen=True)
class Malformed:
    """`records`: what stands at line 5. `rejects`: (line, column, code) in the order of the file; the rest loads."""

    records: bytes
    rejects: tuple[tuple[int, str | None, str], ...] = ()
    loaded: int = 0
    shown: str | None = None

    @property
    def content(self) -> bytes:
        return movies({}, {}, {}, end="\n") + self.records + row() * 3


@dataclass(frozen=True)
class Refused:
    """A file of which nothing is kept."""

    content: bytes
    status: int
    code: str
    filename: str = "movies.csv"
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A file that loads whole, and what its dialect is found to be."""

    content: bytes
    dialect: dict[str, object]
    loaded: int = 2
    filename: str = "movies.csv"
    texts: tuple[str, ...] = ()


def row(**changes: str) -> bytes:
    """A good row, or what is made of it, with its line's end."""
    return movies(changes, end="\n").split(b"\n", 1)[1]


def with_text(text: bytes) -> bytes:
    """A good row whose overview is these bytes."""
    return row(overview="XX").replace(b"XX", text)


def rejected(code: str, column: str | None = None) -> tuple[tuple[int, str | None, str], ...]:
    return ((DIRTY_LINE, column, code),)


HEADER = ",".join(MOVIES_HEADER).encode() + b"\n"
CELLS = len(MOVIES_HEADER)

MALFORMATIONS: dict[str, Malformed] = {
    "too few fields": Malformed(b"1,2,3\n", rejected("wrong_field_count")),
    "too many fields": Malformed(row().replace(b"\n", b",x,y\n"), rejected("wrong_field_count")),
    "10,000 columns": Malformed(b"x," * 9_999 + b"x\n", rejected("wrong_field_count")),
    "a delimiter in a cell without quotes": Malformed(with_text(b"Crime, drama"), rejected("wrong_field_count")),
    "a newline in a cell without quotes": Malformed(
        with_text(b"two\nlines"), ((5, None, "wrong_field_count"), (6, None, "wrong_field_count"))
    ),
    "a stray quote": Malformed(with_text(b'"the "best" film"'), rejected("stray_quote", "overview")),
    "an unterminated quote": Malformed(with_text(b'"and so on'), rejected("unterminated_quote", "overview")),
    "two malformed records side by side": Malformed(
        with_text(b'"open') + with_text(b'"a"b'),
        ((5, "overview", "unterminated_quote"), (6, "overview", "stray_quote")),
    ),
    "a NUL byte": Malformed(with_text(b"a\0b"), rejected("nul_byte", "overview"), shown="a\\x00b"),
    "invalid UTF-8": Malformed(with_text(b"a\xff\xfeb"), rejected("invalid_utf8", "overview"), shown="a\\xff\\xfeb"),
    "a field over 1 MiB": Malformed(with_text(b"x" * 1_100_000), rejected("field_too_long", "overview")),
    "a field of 1 MiB": Malformed(with_text(b"x" * 1_048_576), loaded=1),
    "a record of over 1,000 lines": Malformed(with_text(b'"' + b"\n" * 1_000 + b'"'), rejected("record_too_long")),
    "a record of 1,000 lines": Malformed(with_text(b'"' + b"\n" * 999 + b'"'), loaded=1),
    "a blank line": Malformed(b"\n", rejected("blank_line")),
    "the header once more": Malformed(HEADER, rejected("repeated_header")),
    "a line with backslash and point": Malformed(b"\\.\n", rejected("wrong_field_count")),
    "an amount with a currency": Malformed(row(budget="$237,000,000"), rejected("not_a_whole_number", "budget")),
    "a number that may have thousands or decimals": Malformed(
        row(vote_average="7,125"), rejected("not_a_number", "vote_average")
    ),
    "a whole number with its thousands apart": Malformed(row(vote_count="1,234,567"), loaded=1),
    "a number with a decimal comma": Malformed(row(vote_average="7,5"), loaded=1),
    "a list without commas": Malformed(row(languages="['English' 'Deutsch']"), loaded=1),
    "a list that is an expression": Malformed(
        row(languages="['English', 'Deu' 'tsch']"), rejected("not_a_list", "languages")
    ),
    "a number with its unit": Malformed(row(runtime="142 min"), rejected("not_a_whole_number", "runtime")),
    "a date that does not exist": Malformed(row(release_date="2023-02-30"), rejected("not_a_date", "release_date")),
    "a word for nothing": Malformed(row(runtime="N/A"), rejected("not_a_whole_number", "runtime")),
    "a required cell that is empty": Malformed(row(title=""), rejected("required", "title")),
    "a required cell that shows nothing": Malformed(row(title="\u200b\u3164"), rejected("required", "title")),
    "several bad cells in one record": Malformed(
        row(runtime="-1", vote_average="11"), ((5, "runtime", "out_of_range"), (5, "vote_average", "out_of_range"))
    ),
    "a quote within a cell without quotes": Malformed(with_text(b"11'09\"01"), loaded=1),
    "a quoted cell with newlines, quotes and delimiters": Malformed(row(overview='a "b", c\nd\r\ne'), loaded=1),
    "a carriage return in a quoted cell": Malformed(row(overview="a\rb"), loaded=1),
    "a carriage return in a cell without quotes": Malformed(with_text(b"a\rb"), loaded=1),
    "a cell that a spreadsheet would compute": Malformed(row(overview="=1+1"), loaded=1),
}

ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("movies.csv", movies({}))

REFUSED: dict[str, Refused] = {
    "no bytes at all": Refused(b"", 422, "empty_file"),
    "blank lines and nothing else": Refused(b"\n\r\n\n", 422, "empty_file"),
    "a header and nothing else": Refused(HEADER, 422, "empty_file"),
    "a column is missing": Refused(
        movies({}, header=[name for name in MOVIES_HEADER if name != "title"]),
        422,
        "header_mismatch",
        fields={"dataset": "movies", "missing": ["title"]},
    ),
    "no header": Refused(row() * 3, 422, "header_mismatch"),
    "another table": Refused(b"name,age\nAnn,3\n", 422, "header_mismatch", fields={"found": ["name", "age"]}),
    "a column twice": Refused(
        movies({}, header=[*MOVIES_HEADER, "Title"]), 422, "header_mismatch", fields={"repeated": ["Title", "title"]}
    ),
    "a column without a name": Refused(
        movies({}, header=["", *MOVIES_HEADER]), 422, "header_mismatch", fields={"blank": [1]}
    ),
    "a header of over 1 MiB": Refused(b"x," * 600_000 + b"\n", 422, "unreadable_file"),
    "over 100 records and none is valid": Refused(HEADER + b"1;2;3\n" * 200, 422, "no_valid_record"),
    "binary": Refused(bytes(range(256)) * 9, 415, "unsupported_file"),
    "a zip archive": Refused(ZIP.getvalue(), 415, "unsupported_file"),
    "another name": Refused(movies({}), 415, "unsupported_file", filename="movies.xlsx"),
    "gzip that is not named so": Refused(gzip.compress(movies({})), 415, "unsupported_file"),
    "named gzip and is not": Refused(movies({}), 415, "unsupported_file", filename="movies.csv.gz"),
    "gzip that is cut off": Refused(gzip.compress(movies({}))[:-9], 422, "corrupt_gzip", filename="movies.csv.gz"),
    "gzip that is corrupt": Refused(
        gzip.compress(movies({}))[:60] + b"\xff" * 60, 422, "corrupt_gzip", filename="movies.csv.gz"
    ),
    "gzip that unpacks to 1,000 times its size": Refused(
        gzip.compress(movies({}) + row() * 700_000), 413, "gzip_ratio_too_high", filename="movies.csv.gz"
    ),
}

TEXTS = ("Amélie, l\u2019été \u2013 12 €", 'say "hi"')
TEXT = movies(*({"overview": text} for text in TEXTS)).decode()


def delimited(delimiter: str) -> bytes:
    return TEXT.replace(",", delimiter).replace(f"Amélie{delimiter}", "Amélie,").encode()


WRITTEN: dict[str, Written] = {
    "comma, quotes, CRLF": Written(TEXT.encode(), {"delimiter": ",", "quoting": True, "newline": "\r\n"}, texts=TEXTS),
    "line feeds": Written(movies({}, {}, end="\n"), {"newline": "\n"}),
    "carriage returns": Written(movies({"overview": "a\nb"}, {}, end="\r"), {"newline": "\r"}, texts=("a\nb",)),
    "semicolons": Written(delimited(";"), {"delimiter": ";"}, texts=TEXTS),
    "pipes": Written(delimited("|"), {"delimiter": "|"}, texts=TEXTS),
    "tabs": Written(delimited("\t"), {"delimiter": "\t"}, filename="movies.tsv", texts=TEXTS),
    "tabs and no quoting": Written(
        titles({"primaryTitle": '"Rome'}, {"primaryTitle": '"Crocodile" Dundee'}),
        {"delimiter": "\t", "quoting": False, "nulls": ["\\N", ""]},
        filename="title.basics.tsv",
    ),
    "apostrophes for quotes": Written(
        movies({"overview": "a; b"}, {}).replace(b"a; b", b"'a, b'"), {"quote": "'", "quoting": True}, texts=("a, b",)
    ),
    "backslashes before quotes": Written(
        movies({"overview": "XX"}, {}).replace(b"XX", b'"say \\"hi\\", Bob"'),
        {"escape": "\\"},
        texts=('say "hi", Bob',),
    ),
    "a blank behind each delimiter": Written(
        movies({"overview": "XX"}, {}).replace(b",", b", ").replace(b"XX", b'"say, ""hi"""'),
        {"delimiter": ",", "skip_initial_space": True},
        texts=('say, "hi"',),
    ),
    "UTF-8 with a byte order mark": Written(
        ("\ufeff" + TEXT).encode(), {"encoding": "utf-8", "bom": True}, texts=TEXTS
    ),
    "UTF-16": Written(TEXT.encode("utf-16"), {"encoding": "utf-16-le", "bom": True}, texts=TEXTS),
    "UTF-16 without a byte order mark": Written(
        TEXT.encode("utf-16-be"), {"encoding": "utf-16-be", "bom": False}, texts=TEXTS
    ),
    "Windows-1252": Written(TEXT.encode("windows-1252"), {"encoding": "windows-1252"}, texts=TEXTS),
    "lines before the header": Written(b"sep=,\r\n\r\n" + TEXT.encode(), {"header_line": 3}),
    "header names in other letters": Written(
        TEXT.replace("original_title", "Original Title").replace("vote_count", "VoteCount").encode(), {"delimiter": ","}
    ),
    "no line end behind the last record": Written(TEXT.encode().rstrip(), {"newline": "\r\n"}),
    "other columns": Written(movies({}, {}, header=[*MOVIES_HEADER, "imdb_id"]), {"delimiter": ","}),
}
