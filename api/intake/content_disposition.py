"""The file name in a Content-Disposition header, of a request or of a part of a form, in the notations of all clients:

    filename*=utf-8''f%C3%ABlms.csv                   RFC 8187 (5987), HTTP clients
    filename*0*=utf-8''f%C3%ABl; filename*1=ms.csv    RFC 2231, mail libraries: the same in pieces
    filename="=?utf-8?B?ZsOrbG1zLmNzdg==?="           RFC 2047, .NET and mail libraries
    filename="fëlms.csv"                              RFC 6266 and 7578: UTF-8, or a Western code page of old clients
    filename="a %22b%22.csv"                          browsers, in forms only

`filename*` counts most, then its pieces, then `filename`; one that cannot be decoded does not count. Headers come from
anyone, so every step is linear in their length and none raises.
"""

import pkgutil
import re
from binascii import Error, a2b_base64, a2b_qp
from encodings import __path__ as codecs_path
from encodings import normalize_encoding
from encodings.aliases import aliases
from itertools import count, groupby
from operator import itemgetter
from typing import Final
from urllib.parse import unquote_to_bytes

Parameters = dict[bytes, bytes]

# `; name="quoted"`, the same with a bare backslash at its end, or `; name=token`. A token may have spaces, and a name
# may be any text, because some clients quote nothing.
_PARAMETER: Final = re.compile(
    rb';\s*+([^\s;="]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|"([^"]*+)"|(?!")([^;]*+))', re.DOTALL
)
_ESCAPED: Final = re.compile(rb'\\(["\\])')
_ESCAPED_BY_BROWSERS: Final = re.compile(rb"%(?:22|0D|0A)", re.IGNORECASE)

# `=?charset*language?B?base64?=`, or Q for quoted-printable.
_ENCODED_WORD: Final = re.compile(rb"=\?([^?*\s]++)(?:\*[^?\s]*+)?\?([BbQq])\?([^?]*+)\?=")

# Bytes of no named charset. Every byte is a Latin-1 character, but clients mean the printable ones of Windows-1252.
_UNNAMED: Final = ("utf-8", "windows-1252", "latin-1")
# Python remembers each unknown name that it was asked for, so only names of this list are ever looked up.
_NO_CHARSETS: Final = frozenset(("idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"))
_CHARSETS: Final = {*aliases, *(module.name for module in pkgutil.iter_modules(codecs_path))} - _NO_CHARSETS


def filename_of(header: bytes, *, in_form: bool) -> str | None:
    """The file name as the client wrote it, which may still be a path; None if the header has none.

    `in_form`: the header is that of a part of a form, where browsers write `"`, CR and LF as %22, %0D and %0A.
    """
    parameters = _parameters(header, in_form=in_form)
    return _extended(parameters) or _continued(parameters) or _plain(parameters.get(b"filename", b"")) or None


def _parameters(header: bytes, *, in_form: bool) -> Parameters:
    """The first parameter of each name; names are in lower case."""
    found: Parameters = {}
    for name, quoted, with_backslash, token in _PARAMETER.findall(b";" + header):
        value = quoted or with_backslash or token.strip()
        found.setdefault(name.lower(), _unescaped(value, in_form=in_form))
    return found


def _unescaped(value: bytes, *, in_form: bool) -> bytes:
    # Only \" and \\ are escapes: old browsers send whole Windows paths with bare backslashes. A client that escapes in
    # this way does not do it in the browsers' way, too.
    if in_form and b'\\"' not in value:
        return _ESCAPED_BY_BROWSERS.sub(lambda escape: unquote_to_bytes(escape[0]), value)
    return _ESCAPED.sub(rb"\1", value)


def _extended(parameters: Parameters) -> str | None:
    charset, text = _split_extended(parameters.get(b"filename*", b""))
    return _decoded(unquote_to_bytes(text), charset)


def _continued(parameters: Parameters) -> str | None:
    """The pieces `filename*0`, `filename*1` … put together; those whose name ends with * are percent-encoded."""
    charset, pieces = b"", []
    for index in count():
        name = b"filename*%d" % index
        if (piece := parameters.get(name + b"*")) is not None:
            if index == 0:
                charset, piece = _split_extended(piece)
            pieces.append(unquote_to_bytes(piece))
        elif (piece := parameters.get(name)) is not None:
            pieces.append(piece)
        else:
            break
    whole = b"".join(pieces)
    return _decoded(whole, charset) if charset else _plain(whole)


def _split_extended(value: bytes) -> tuple[bytes, bytes]:
    """The charset and the percent-encoded text of `charset'language'text`; both empty if it is something else."""
    charset, _, rest = value.partition(b"'")
    _, mark, text = rest.partition(b"'")
    return (charset, text) if mark else (b"", b"")


def _plain(value: bytes) -> str:
    decoded = _words_decoded(value)
    return _decoded_somehow(value) if decoded is None else decoded


def _words_decoded(value: bytes) -> str | None:
    """The value with its encoded words decoded; None if one of them cannot be."""
    pieces: list[tuple[bytes, bytes]] = []  # a charset, empty outside of encoded words, and bytes in it
    end = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        if not (pieces and between.isspace()):  # space between two words means nothing
            pieces.append((b"", between))
        data = _word_bytes(word[2], word[3])
        if data is None:
            return None
        pieces.append((word[1].lower(), data))
        end = word.end()
    pieces.append((b"", value[end:]))
    # Some clients cut a character in two, so neighbours are joined before they are decoded.
    runs = groupby((piece for piece in pieces if piece[1]), itemgetter(0))
    texts = [_decoded(b"".join(data for _, data in run), charset) for charset, run in runs]
    return None if None in texts else "".join(filter(None, texts))


def _word_bytes(encoding: bytes, text: bytes) -> bytes | None:
    if encoding in b"Qq":
        return a2b_qp(text, header=True)
    try:
        return a2b_base64(text + b"==")  # some clients leave the padding out; too much of it does no harm
    except Error:
        return None


def _decoded(data: bytes, charset: bytes) -> str | None:
    """The text; None if Python does not know the charset, or these bytes are no text in it."""
    if not charset:
        return _decoded_somehow(data)
    name = normalize_encoding(charset.decode("latin-1").lower())
    if name not in _CHARSETS:
        return None
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):  # LookupError: a codec of bytes, such as base64
        return None


def _decoded_somehow(data: bytes) -> str:
    for encoding in _UNNAMED[:-1]:
        try:
            return data.decode(encoding)
        except UnicodeError:
            pass
    return data.decode(_UNNAMED[-1])
