"""Files that are no text, by name and by content: what they are, and what to do with them."""

from typing import Final

from shared.csv.unreadable import UnsupportedFile

_SAVE: Final = "open it and save it as CSV UTF-8"
_EXPORT: Final = "export the table in it as CSV"
_UNPACK: Final = "unpack it and send the table in it"

# endings, what such a file is, what to do
_KINDS: Final = (
    ((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers"), "a spreadsheet", _SAVE),
    ((".json", ".jsonl", ".ndjson", ".geojson"), "JSON", _EXPORT),
    ((".xml", ".html", ".htm"), "a page", _EXPORT),
    ((".pdf", ".docx", ".doc", ".odt", ".rtf"), "a document", _EXPORT),
    ((".parquet", ".feather", ".arrow", ".orc", ".avro"), "a file of columns", _EXPORT),
    ((".sqlite", ".sqlite3", ".db", ".mdb", ".accdb", ".sql", ".dump"), "a database", _EXPORT),
    ((".pkl", ".pickle", ".rds", ".rdata", ".h5", ".hdf5", ".npy", ".npz"), "data of a program", _EXPORT),
    ((".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar", ".lz4", ".br", ".z", ".lzma"), "an archive", _UNPACK),
)

# position, first bytes, what such a file is, what to do
_MAGIC: Final = (
    (0, b"\xd0\xcf\x11\xe0", "an old spreadsheet or document", _SAVE),
    (0, b"%PDF-", "a PDF", _EXPORT),
    (0, b"PAR1", "a Parquet file", _EXPORT),
    (0, b"ARROW1", "an Arrow file", _EXPORT),
    (0, b"SQLite format 3", "a SQLite database", _EXPORT),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
)


def refuse_foreign_name(stem: str) -> None:
    """Raise `UnsupportedFile` if a file whose name ends like that, in small letters, is no table."""
    for endings, kind, advice in _KINDS:
        if stem.endswith(endings):
            raise UnsupportedFile(f"a file whose name ends with .{stem.rpartition('.')[2]} is {kind}: {advice}")


def refuse_foreign_content(block: bytes) -> None:
    """Raise `UnsupportedFile` if a file that begins like that is no table."""
    for position, magic, kind, advice in _MAGIC:
        if block.startswith(magic, position):
            raise UnsupportedFile(f"the content is {kind}: {advice}")


def refuse_office_member(name: str) -> None:
    """Raise `UnsupportedFile` if an archive with a member of this name is a spreadsheet or a document by content."""
    if name in ("[Content_Types].xml", "mimetype") or name.endswith(".iwa"):
        raise UnsupportedFile(f"the content is a spreadsheet or a document: {_SAVE}")
