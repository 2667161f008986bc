"""All codecs: which of them a file's name and its first bytes say.

The endings of tables and of compressions combine freely: `movies.csv`, `movies.txt.xz`. An archive needs no other
ending, because its members have names.
"""

from typing import Final

from shared.csv.compression.codec import Codec
from shared.csv.compression.foreign import refuse_foreign_content, refuse_foreign_name
from shared.csv.compression.tables import STREAMS, TABLE_ENDINGS, stem_of
from shared.csv.compression.zip import ZIP
from shared.csv.unreadable import UnsupportedFile

CODECS: Final = (*STREAMS, ZIP)
_ARCHIVE_ENDINGS: Final = tuple(ending for codec in CODECS if codec.is_archive for ending in codec.endings)
_PACKED_ENDINGS: Final = tuple(ending for codec in CODECS for ending in codec.endings)
MEDIA_TYPES: Final = tuple(kind for codec in CODECS for kind in codec.media_types)


def _any_of(endings: tuple[str, ...]) -> str:
    return f"{', '.join(endings[:-1])} or {endings[-1]}"


def _in_any_case(endings: tuple[str, ...]) -> str:
    """A pattern for every dialect of regexes: none has a flag for letters of any case that all others have."""
    letters = (
        "".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in ending[1:]) for ending in endings
    )
    return rf"\.({'|'.join(letters)})"


ENDINGS_IN_WORDS: Final = (
    f"{_any_of(TABLE_ENDINGS)}, each also with {_any_of(_PACKED_ENDINGS)} behind it,"
    f" or {', '.join(_ARCHIVE_ENDINGS)} alone"
)
FILENAME_PATTERN: Final = (
    rf"[^/\\.\s]({_in_any_case(TABLE_ENDINGS)}({_in_any_case(_PACKED_ENDINGS)})?|{_in_any_case(_ARCHIVE_ENDINGS)})\s*$"
)


def codec_of(filename: str) -> Codec | None:
    """The codec by the name's ending, None for a plain table; raises `UnsupportedFile` for other names."""
    codec = next((codec for codec in CODECS if filename.lower().endswith(codec.endings)), None)
    stem = stem_of(filename, codec)
    if not (stem.endswith(TABLE_ENDINGS) or (codec and codec.is_archive)):
        refuse_foreign_name(stem)
        raise UnsupportedFile(f"the file's name must end with {ENDINGS_IN_WORDS}", {"filename": filename})
    return codec


def check_content(named: Codec | None, block: bytes) -> None:
    """Raise `UnsupportedFile` unless the first bytes of a file are those of the codec that its name says."""
    if named and named.may_begin(block):
        return
    found = next((codec for codec in CODECS if codec.begins(block)), None)
    if found:
        spreadsheet = "; a spreadsheet is one, too: open it and save it as CSV UTF-8" if found.is_archive else ""
        raise UnsupportedFile(
            f"the content is {found.name}, but the file's name does not end with {found.endings[0]}{spreadsheet}"
        )
    refuse_foreign_content(block)
    if named:
        raise UnsupportedFile(f"the file is named {named.endings[0]}, but its content is not {named.name}")
