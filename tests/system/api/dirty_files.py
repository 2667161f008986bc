"""One file for each kind of dirt, and what must become of it: docs/FILES.md says the same to people."""

import bz2
import gzip
from dataclasses import dataclass, field, replace

from tests.archives import ENCRYPTED, STORED, Member, archive
from tests.compressing import compress_xz, compress_zstd
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
    warning: str | None = None

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
    warnings: tuple[str, ...] = ()


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
    "UTF-8 in a file of another encoding": Malformed(
        with_text("Crème brûlée; Straße nach Köln; El Niño del corazón".encode("windows-1252"))
        + with_text("Amélie".encode()),
        ((DIRTY_LINE + 1, "overview", "mixed_encoding"),),
        loaded=1,
        warning="guessed_encoding",
    ),
    "a field over 1 MiB": Malformed(with_text(b"x" * 1_100_000), rejected("field_too_long", "overview")),
    "a field of 1 MiB": Malformed(with_text(b"x" * 1_048_576), loaded=1),
    "a record of over 1,000 lines": Malformed(with_text(b'"' + b"\n" * 1_000 + b'"'), rejected("record_too_long")),
    "a record of 1,000 lines": Malformed(with_text(b'"' + b"\n" * 999 + b'"'), loaded=1),
    "a blank line": Malformed(b"\n", warning="blank_lines"),
    "a row of empty cells": Malformed(b'"",' + b"," * (CELLS - 2) + b"\n", warning="blank_lines"),
    "cells in which nothing can be seen": Malformed(
        ("\u200b," + "\u3000," * (CELLS - 2) + "\u2800\n").encode(), warning="blank_lines"
    ),
    "the header once more": Malformed(HEADER, rejected("repeated_header")),
    "a word for nothing in a text": Malformed(row(homepage="NULL"), loaded=1, warning="null_words"),
    "a line with backslash and point": Malformed(b"\\.\n", rejected("wrong_field_count")),
    "an amount with a currency": Malformed(row(budget="$237,000,000"), rejected("not_a_whole_number", "budget")),
    "a number that may have thousands or decimals": Malformed(
        row(vote_average="7,125"), rejected("not_a_number", "vote_average")
    ),
    "a whole number with its thousands apart": Malformed(row(vote_count="1,234,567"), loaded=1),
    "a number with a decimal comma": Malformed(row(vote_average="7,5"), loaded=1),
    "a whole number with one comma, beside decimal commas": Malformed(
        row(vote_average="7,5", vote_count="1,234"), rejected("not_a_whole_number", "vote_count")
    ),
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

TABLE = Member("movies.csv", movies({}, {}))

REFUSED: dict[str, Refused] = {
    "no bytes at all": Refused(b"", 422, "empty_file"),
    "blank lines and nothing else": Refused(b"\n\r\n\n", 422, "empty_file"),
    "a header and nothing else": Refused(HEADER, 422, "empty_file"),
    "a column is missing that a record needs": Refused(
        movies({}, header=[name for name in MOVIES_HEADER if name != "title"]),
        422,
        "header_mismatch",
        fields={"dataset": "movies", "missing": ["title"]},
    ),
    "no header, and no file that is known without one": Refused(row() * 3, 422, "header_mismatch"),
    "texts that several encodings would make text of": Refused(
        movies({"overview": "Alien³"}).decode().encode("windows-1252"), 422, "ambiguous_encoding"
    ),
    "another table": Refused(b"name,age\nAnn,3\n", 422, "header_mismatch", fields={"found": ["name", "age"]}),
    "a column twice": Refused(
        movies({}, header=[*MOVIES_HEADER, "Title"]), 422, "header_mismatch", fields={"repeated": ["Title", "title"]}
    ),
    "dates that can be read in two ways": Refused(
        movies({"release_date": "01/02/2003"}, {"release_date": "03/04/2005"}), 422, "ambiguous_format"
    ),
    "a header of over 1 MiB": Refused(b"x," * 600_000 + b"\n", 422, "unreadable_file"),
    "over 100 records and none is valid": Refused(HEADER + b"1;2;3\n" * 200, 422, "no_valid_record"),
    "binary": Refused(bytes(range(256)) * 9, 415, "unsupported_file"),
    "another name": Refused(movies({}), 415, "unsupported_file", filename="movies.exe"),
    "a spreadsheet": Refused(movies({}), 415, "unsupported_file", filename="movies.xlsx"),
    "a spreadsheet that is named an archive": Refused(
        archive(Member("[Content_Types].xml", b"<Types/>")), 415, "unsupported_file", filename="movies.zip"
    ),
    "a compressed file that is not named so": Refused(compress_zstd(movies({})), 415, "unsupported_file"),
    "an archive that is not named so": Refused(archive(TABLE), 415, "unsupported_file"),
    "named compressed and is not": Refused(movies({}), 415, "unsupported_file", filename="movies.csv.bz2"),
    "a compressed file that is cut off": Refused(
        gzip.compress(movies({}))[:-9], 422, "corrupt_compression", filename="movies.csv.gz"
    ),
    "a compressed file that is corrupt": Refused(
        gzip.compress(movies({}))[:60] + b"\xff" * 60, 422, "corrupt_compression", filename="movies.csv.gz"
    ),
    "a compressed file with something behind it": Refused(
        compress_xz(movies({})) + b"something", 422, "corrupt_compression", filename="movies.csv.xz"
    ),
    "a compressed file that unpacks to 1,000 times its size": Refused(
        gzip.compress(movies({}) + row() * 700_000), 413, "compression_ratio_too_high", filename="movies.csv.gz"
    ),
    "a compressed file that needs more than 64 MiB of memory": Refused(
        compress_zstd(movies({}), window_log=27), 415, "unsupported_file", filename="movies.csv.zst"
    ),
    "an archive of several tables": Refused(
        archive(TABLE, Member("ratings.csv", b"a,b\n1,2\n"), Member("readme.txt", b"text")),
        422,
        "archive_has_several_tables",
        filename="movies.zip",
        fields={"members": ["movies.csv", "ratings.csv"]},
    ),
    "an archive without a table": Refused(
        archive(Member("poster.jpg", b"\xff\xd8")),
        415,
        "unsupported_file",
        filename="movies.zip",
        fields={"members": ["poster.jpg"]},
    ),
    "an archive with a password": Refused(
        archive(replace(TABLE, flags=ENCRYPTED)), 415, "unsupported_file", filename="movies.zip"
    ),
    "an archive of another method": Refused(
        archive(replace(TABLE, method=9)), 415, "unsupported_file", filename="movies.zip"
    ),
    "an archive without compression, written to a pipe": Refused(
        archive(replace(TABLE, method=STORED, descriptor=4)), 415, "unsupported_file", filename="movies.zip"
    ),
    "an archive whose directory hides a member": Refused(
        archive(TABLE, Member("a.jpg", b"x"), entries=[0]), 422, "corrupt_compression", filename="movies.zip"
    ),
}

TEXTS = ("Amélie, l\u2019été \u2013 12 €", 'say "hi"')
TEXT = movies(*({"overview": text} for text in TEXTS)).decode()


CYRILLIC = ("Осенний марафон", "Москва слезам не верит", "Служебный роман")
POLISH = ("Człowiek z żelaza", "Krótki film o miłości", "Śmierć prezydenta")
JAPANESE = ("七人の侍", "千と千尋の神隠し", "となりのトトロ")


def encoded(texts: tuple[str, ...], written: str, recognised: str | None = None) -> "Written":
    """A file of texts in an encoding that nobody names."""
    content = movies(*({"overview": text} for text in texts)).decode().encode(written)
    warnings = () if written == "iso-2022-jp" else ("guessed_encoding",)
    return Written(content, {"encoding": recognised or written}, loaded=len(texts), texts=texts, warnings=warnings)


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
    "UTF-32": Written(TEXT.encode("utf-32"), {"encoding": "utf-32-le", "bom": True}, texts=TEXTS),
    "UTF-32 without a byte order mark": Written(
        TEXT.encode("utf-32-be"), {"encoding": "utf-32-be", "bom": False}, texts=TEXTS
    ),
    "Windows-1252": Written(
        TEXT.encode("windows-1252"),
        {"encoding": "windows-1252", "is_encoding_guessed": True},
        texts=TEXTS,
        warnings=("guessed_encoding",),
    ),
    "Windows-1251": encoded(CYRILLIC, "windows-1251"),
    "KOI8-R": encoded(CYRILLIC, "koi8-r"),
    "Windows-1250": encoded(POLISH, "windows-1250"),
    "Shift JIS": encoded(JAPANESE, "shift-jis", "cp932"),
    "EUC-JP": encoded(JAPANESE, "euc-jp"),
    "ISO-2022-JP": encoded(JAPANESE, "iso-2022-jp"),
    "GB 18030": encoded(("霸王别姬", "大红灯笼高高挂", "重庆森林"), "gb18030"),
    "Big5": encoded(("臥虎藏龍", "悲情城市", "重慶森林"), "big5"),
    "EUC-KR": encoded(("살인의 추억", "올드보이", "부산행"), "euc-kr", "cp949"),
    "lines before the header": Written(b"sep=,\r\n\r\n" + TEXT.encode(), {"header_line": 3}),
    "header names in other letters": Written(
        TEXT.replace("original_title", "Original Title").replace("vote_count", "VoteCount").encode(), {"delimiter": ","}
    ),
    "no line end behind the last record": Written(
        TEXT.replace("['English']", "English").replace("languages", "language_list").encode().rstrip(),
        {"newline": "\r\n"},
        warnings=("no_final_line_end",),
    ),
    "other columns": Written(movies({}, {}, header=[*MOVIES_HEADER, "imdb_id"]), {"delimiter": ","}),
    "fewer columns": Written(movies({}, {}, header=["title", "budget", "release_date"]), {"delimiter": ","}),
    "columns without a name": Written(movies({}, {}, header=["", *MOVIES_HEADER, ""]), {"delimiter": ","}),
    "a delimiter after each record": Written(
        movies({}, {}, end="\n").replace(b"\n", b",\n").replace(b",\n", b"\n", 1), {"delimiter": ","}
    ),
    "invisible characters in the header": Written(
        movies({}, {}).replace(b"title", "\u200btitle".encode(), 1), {"delimiter": ","}
    ),
    "CRLF written twice": Written(movies({}, {}, end="\r\r\n"), {"newline": "\r\r\n"}, warnings=("doubled_returns",)),
    "no header": Written(
        b"1|A Film (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?A|" + b"|".join([b"0"] * 19) + b"\n"
        b"2|B Film (1996)|13-Jan-1996||http://us.imdb.com/M/title-exact?B|" + b"|".join([b"1"] * 19) + b"\n",
        {"delimiter": "|", "header_line": 0},
        warnings=("no_header",),
    ),
    "two colons between the cells": Written(
        b"1::A Film: One (1995)::Action|Comedy\n2::B Film (1996)::Drama\n",
        {"delimiter": "\t", "paired_colons": True, "header_line": 0},
        filename="movies.dat",
        warnings=("paired_colons", "no_header"),
    ),
    "dates that only one format fits": Written(
        movies({"release_date": "30/10/1995"}, {"release_date": "01/02/2003"}), {"delimiter": ","}
    ),
    "gzip": Written(gzip.compress(TABLE.content), {}, filename="movies.csv.gz"),
    "bzip2": Written(bz2.compress(TABLE.content), {}, filename="movies.csv.bz2"),
    "xz": Written(compress_xz(TABLE.content), {}, filename="movies.csv.xz"),
    "Zstandard": Written(compress_zstd(TABLE.content), {}, filename="MOVIES.CSV.ZST"),
    "several compressed files in one": Written(
        gzip.compress(movies({})) + gzip.compress(row().replace(b"\n", b"\r\n")), {}, filename="movies.csv.gz"
    ),
    "tables with other endings": Written(titles({}, {}), {"delimiter": "\t"}, filename="title.basics.txt"),
    "tables with other endings, compressed": Written(
        compress_xz(delimited("|")), {"delimiter": "|"}, filename="u.item.xz", texts=TEXTS
    ),
    "an archive of one table": Written(
        archive(Member("data/"), replace(TABLE, name="data/movies.csv", descriptor=4)), {}, filename="movies.csv.zip"
    ),
    "an archive with other members": Written(
        archive(Member("readme.txt", b"Films."), Member("__MACOSX/._movies.csv", b"x"), TABLE, Member("a.jpg", b"x")),
        {},
        filename="movies.zip",
    ),
    "an archive of one compressed table": Written(
        archive(Member("movies.csv.gz", gzip.compress(TABLE.content), method=STORED)), {}, filename="movies.zip"
    ),
}
