"""Seeds for fuzzing: small generated files behind the controls that a check takes."""

import csv
import io
from itertools import cycle

from shared.csv.dialect import Dialect
from tests.compressing import COMPRESS, STREAMS
from tests.rows import movies, titles
from tests.unit.csv.reading import DIALECTS

_CELLS = ["1", "a b", 'say "hi"', "it's", "two\nlines", "x,y;z|\t", "Amélie", "", "\\N", "back\\slash", "1\r2"]
# in the words of `Dialect`: D delimiter, Q quote, E what stands before a quote that is a character
_MALFORMED = """1D2D3N
Q1QD2DQ3QN
1DQ2N3QD4N
1DQ2EQ3QD4N
1DQ2D3N4D5D6N
1DQ2Q xD3N4D5D6N
5DQabcD2N6DQDQD3N7DokD4N
1DQfirst lineNsecondD QwordQ hereQD9N6DxD3N
aDbDcN1D2D3N
1D2N1D2D3D4NN1D2D3
QaNQaNQaN
Qx DQxDQxDQxN
QNaQDQNaQDQN
1DQ2RN3QD4RN1R2D3D4RN
EQDEEQDQEQQN""".split("\n")


def tables(controls: int) -> list[bytes]:
    """Records of three fields, valid and malformed, in each dialect."""
    found = []
    for number, dialect in enumerate(DIALECTS.values()):
        texts = [_valid(dialect), *(_malformed(text, dialect) for text in _MALFORMED), "\n".join(_MALFORMED).encode()]
        found += [bytes([number]).ljust(controls, b"\x05") + text for text in texts]
    return [bytes(controls), *found]


def files(controls: int) -> list[bytes]:
    """Whole files, in several encodings and dialects, plain and compressed."""
    plain = movies({}, {"title": "Amélie", "overview": 'two\nlines, "quoted"'}, {"budget": "much"})
    imdb = titles({}, {"primaryTitle": '"Rome"'}, {"genres": "\\N"})
    texts = [
        *(plain, imdb, movies(), movies({}, end="\r"), plain.replace(b",", b";"), plain.replace(b'""', b'\\"')),
        *(plain.decode().encode(encoding) for encoding in ("utf-16", "utf-16-be", "windows-1252", "utf-8-sig")),
        *(b"sep=,\n\n" + plain, plain + b"\xff\n", plain.replace(b"budget", b"\0", 1), b'"budget\n' * 3, b"\n" * 30),
        *(movies() + b'"a\n' * 300, movies() + b"1,2,3\n" * 120, movies({}, {}) * 3, b"a,b\n1,2\n", b"", b"PK\x03\x04"),
    ]
    packed = [compress(plain) for compress in COMPRESS.values()]
    packed += [compress(imdb) * 2 + b"\0\0" for compress in STREAMS.values()]
    packed += [packed[0][:-9], b"\0" + packed[0], STREAMS[".gz"](bytes(200_000))]
    kinds = cycle(range(20))
    return [bytes([next(kinds), 0, 99, 77])[:controls].ljust(controls, b"\x07") + text for text in (*texts, *packed)]


def _valid(dialect: Dialect) -> bytes:
    text = io.StringIO()
    is_doubled = dialect.quoting and not dialect.is_escaped
    writer = csv.writer(
        text,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        doublequote=is_doubled,
        escapechar=None if is_doubled else "\\",
        quoting=csv.QUOTE_MINIMAL if dialect.quoting else csv.QUOTE_NONE,
        lineterminator="\n",
    )
    writer.writerows(zip(_CELLS, _CELLS[1:], _CELLS[2:], strict=False))
    return text.getvalue().encode()


def _malformed(text: str, dialect: Dialect) -> bytes:
    meant = dialect.delimiter + dialect.quote + dialect.escape + "\n\r"
    return text.translate(str.maketrans("DQENR", meant)).encode()
