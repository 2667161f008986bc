"""The names of encodings: any that Python has a text codec for."""

import codecs
import re
from typing import Final

UTF_7, UTF_8 = "utf-7", "utf-8"
UTF_16_LE, UTF_16_BE = "utf-16-le", "utf-16-be"
UTF_32_LE, UTF_32_BE = "utf-32-le", "utf-32-be"
UTF_16, UTF_32 = "utf-16", "utf-32"  # the byte order mark says which of the two
WINDOWS_1252, LATIN_1 = "windows-1252", "latin-1"
ISO_2022_JP: Final = "iso-2022-jp"

# A selection for people; `encoding_named` knows all.
EVERYDAY_ENCODINGS: Final = (
    UTF_8, UTF_16, UTF_16_LE, UTF_16_BE, UTF_32,
    WINDOWS_1252, LATIN_1, "iso-8859-15", "mac-roman", "cp850",
    "windows-1250", "iso-8859-2", "cp852",
    "windows-1251", "koi8-r", "koi8-u", "cp866", "iso-8859-5", "mac-cyrillic",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "cp874",
    "shift-jis", "cp932", "euc-jp", ISO_2022_JP, "gb18030", "big5", "cp949", "euc-kr",
)  # fmt: skip

BOMS: Final = {
    UTF_8: codecs.BOM_UTF8,
    UTF_32_LE: codecs.BOM_UTF32_LE,  # begins with that of UTF-16
    UTF_32_BE: codecs.BOM_UTF32_BE,
    UTF_16_LE: codecs.BOM_UTF16_LE,
    UTF_16_BE: codecs.BOM_UTF16_BE,
}

# ASCII is a part of UTF-8. Both are stored unchanged, so a byte order mark is no question of the name.
_RENAMED: Final = {"ascii": UTF_8, "utf-8-sig": UTF_8, "iso-8859-1": LATIN_1}
# Notations and protocols rather than encodings of text.
_NO_ENCODINGS: Final = {
    "charmap",
    "idna",
    "mbcs",
    "oem",
    "punycode",
    "raw-unicode-escape",
    "undefined",
    "unicode-escape",
}
_MOST_CHARACTERS: Final = 63
_OTHER_CHARSETS: Final = {
    LATIN_1: "iso-8859-1",
    "cp932": "windows-31j",
    "mac-roman": "macintosh",
    "shift-jis": "shift_jis",
}
_CHARSET_FORMS: Final = ((re.compile(r"^(utf-\d\d)-([lb]e)$"), r"\1\2"), (re.compile(r"^cp(\d+)$"), r"ibm\1"))
_IANA_FORMS: Final = (
    (re.compile(r"^cp(125\d)$"), r"windows-\1"),
    (re.compile(r"^iso(8859|2022)-"), r"iso-\1-"),
)


def encoding_named(name: str) -> str | None:
    """The encoding that Python's codecs know by this name, under one name for each; None if there is none."""
    if not name.isascii() or len(name) > _MOST_CHARACTERS:
        return None
    try:
        codec = codecs.lookup(name.strip())
        "".encode(codec.name)  # hex, rot13 and the like are codecs, but not of text
    except (LookupError, ValueError):
        return None
    found = codec.name.replace("_", "-")
    if codec.incrementaldecoder is None or found in _NO_ENCODINGS:
        return None
    for pattern, form in _IANA_FORMS:
        found = pattern.sub(form, found)
    return _RENAMED.get(found, found)


def charset_of(encoding: str) -> str:
    """The name of the encoding in a Content-Type, as IANA registered it, if `encoding_named` knows that."""
    charset = _OTHER_CHARSETS.get(encoding, encoding)
    for pattern, form in _CHARSET_FORMS:
        charset = pattern.sub(form, charset)
    return charset if encoding_named(charset) == encoding else encoding
