"""Why a file as a whole cannot be read.

    UnreadableFile
    |-- EmptyFile           no header, or a header without a record
    |-- CorruptGzip         corrupt, or cut off
    |-- GzipRatioTooHigh    a little gzip that unpacks to a lot
    |-- UnsupportedFile     not CSV or TSV, by name or by content
    |-- EncodingUnknown     several encodings would make text of it
    |-- HeaderMismatch      the header fits nothing that is expected
    `-- NoValidRecord       none of the first records can be read

Codes are stable. Arguments are positional, so that an error survives pickling.
"""

from typing import Any, ClassVar


class UnreadableFile(Exception):
    """The file as a whole cannot be loaded."""

    code: ClassVar[str] = "unreadable_file"

    def __init__(self, message: str, fields: dict[str, Any] | None = None) -> None:
        """`fields` are safe to show to the client: they hold names and numbers, but no cell of a record.

        Only `EncodingUnknown` shows a few words, because a person can tell by them which encoding is right.
        """
        super().__init__(message, fields)
        self.message = message
        self.fields = fields or {}

    def __str__(self) -> str:
        return self.message


class EmptyFile(UnreadableFile):
    """No header, or a header without a record."""

    code = "empty_file"


class CorruptGzip(UnreadableFile):
    """The gzip stream is corrupt or cut off."""

    code = "corrupt_gzip"


class GzipRatioTooHigh(UnreadableFile):
    """The file unpacks to more than `max_gzip_ratio` times its size."""

    code = "gzip_ratio_too_high"


class UnsupportedFile(UnreadableFile):
    """Not a CSV or TSV, by its name or by its content."""

    code = "unsupported_file"


class EncodingUnknown(UnreadableFile):
    """Several encodings would make text of the file, and nothing shows which one is right."""

    code = "ambiguous_encoding"


class HeaderMismatch(UnreadableFile):
    """The header lacks required columns, or fits no dataset."""

    code = "header_mismatch"


class NoValidRecord(UnreadableFile):
    """None of the first records can be read."""

    code = "no_valid_record"
