"""Why a file as a whole cannot be read.

    UnreadableFile
    |-- EmptyFile               no header, or a header without a record
    |-- CorruptArchive          corrupt, or cut off
    |-- CompressionRatioTooHigh a little file that unpacks to a lot
    |-- SeveralTables           an archive of which the client must choose a member
    |-- MemberNotFound          the archive has not the member that the client chose
    |-- UnsupportedFile         no table, by name or by content
    |-- HeaderMismatch          the header fits nothing that is expected
    |-- AmbiguousDataset        the file fits several kinds of files equally well
    |-- AmbiguousFormat         the dates of a column can be read in several ways
    `-- NoValidRecord           none of the first records can be read

Codes are stable. Arguments are positional, so that an error survives pickling.
"""

from typing import Any, ClassVar


class UnreadableFile(Exception):
    """The file as a whole cannot be loaded."""

    code: ClassVar[str] = "unreadable_file"

    def __init__(self, message: str, fields: dict[str, Any] | None = None) -> None:
        """`fields` are safe to show to the client: they hold names and numbers, but no cell of a record."""
        super().__init__(message, fields)
        self.message = message
        self.fields = fields or {}

    def __str__(self) -> str:
        return self.message


class EmptyFile(UnreadableFile):
    """No header, or a header without a record."""

    code = "empty_file"


class CorruptArchive(UnreadableFile):
    """The compressed file is corrupt or cut off."""

    code = "corrupt_compression"


class CompressionRatioTooHigh(UnreadableFile):
    """The file unpacks to more than `max_compression_ratio` times its size."""

    code = "compression_ratio_too_high"


class SeveralTables(UnreadableFile):
    """The archive holds several tables, and the client named none of them."""

    code = "archive_has_several_tables"


class MemberNotFound(UnreadableFile):
    """The archive has no member of the name that the client gave."""

    code = "archive_member_not_found"


class UnsupportedFile(UnreadableFile):
    """No table, by its name or by its content."""

    code = "unsupported_file"


class HeaderMismatch(UnreadableFile):
    """The header lacks required columns, or fits no dataset."""

    code = "header_mismatch"


class AmbiguousDataset(UnreadableFile):
    """The file fits several kinds of files equally well, and they would load it in different ways."""

    code = "ambiguous_dataset"


class AmbiguousFormat(UnreadableFile):
    """The dates of a column can be read in several ways."""

    code = "ambiguous_format"


class NoValidRecord(UnreadableFile):
    """None of the first records can be read."""

    code = "no_valid_record"
