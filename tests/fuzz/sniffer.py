"""Any file: its text comes back from what is stored, errors are those documented, an aborted intake leaves nothing."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from shared.catalog.registry import Registry
from shared.csv.compression.registry import CODECS
from shared.csv.dialect import DELIMITERS, Dialect
from shared.csv.encodings.mojibake import mojibake_pattern
from shared.csv.encodings.names import EVERYDAY_ENCODINGS, UTF_8
from shared.csv.encodings.to_utf8 import Decoder, bom_of, encode, exchange
from shared.csv.reading.text_checks import text_fault
from shared.csv.sniffing.sniff import TextOptions, sniff
from shared.csv.unreadable import EncodingUnknown, HeaderMismatch, NoValidRecord, UnreadableFile, UnsupportedFile
from shared.errors import TooLarge
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.headers import UploadHeader
from shared.settings import Settings
from shared.storage.directory import DirectoryStorage
from tests.fuzz.controls import blocks, chosen, controls
from tests.unit.csv.reading import assert_spans_tile

# what the client says, encoding, size of blocks
CONTROLS: Final = 3
_ANY: Final = UploadHeader(Registry.built_in())
_SAID: Final = (
    *((TextOptions(), _ANY),) * 4,
    *((TextOptions(delimiter=delimiter), _ANY) for delimiter in DELIMITERS),
    *((TextOptions(quoting=quoting), _ANY) for quoting in (True, False)),
    *((TextOptions(), replace(_ANY, dataset=dataset)) for dataset in ("movies", "title.basics")),
)
_ENCODINGS: Final = (*(None,) * 4, *EVERYDAY_ENCODINGS)
_INVERTIBLE: Final = {UTF_8, *(name for name in EVERYDAY_ENCODINGS if mojibake_pattern(name))}
# Half a unit at the end is lost.
_UNIT_BYTES: Final = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
_MOST_BYTES: Final = 1024 * 1024


def check(data: bytes) -> None:
    (said, encoding, block), content = controls(data, CONTROLS)
    (options, matcher), named = chosen(_SAID, said), chosen(_ENCODINGS, encoding)
    parts = blocks(content, block)
    _check_sniffer(_check_decoder(content, parts, named), options, matcher)
    _check_intake(content, parts, replace(options, encoding=named), matcher)


def _check_decoder(content: bytes, parts: list[bytes], encoding: str | None) -> bytes:
    decoder = Decoder(encoding)
    try:
        text = b"".join([decoder.feed(part) for part in parts] + [decoder.finish()])
    except EncodingUnknown:
        assert encoding is None
        return content
    dialect = Dialect(",", quoting=True, encoding=decoder.encoding, bom=decoder.bom)
    _assert_given_back(content, text, dialect)
    return text


def _assert_given_back(content: bytes, text: bytes, dialect: Dialect) -> None:
    """The bytes, if the encoding has one form for each text; else the same text."""
    before = b"" if dialect.encoding == UTF_8 else bom_of(dialect)
    back = before + encode(text, dialect)
    unit = _UNIT_BYTES.get(dialect.encoding)
    if dialect.encoding in _INVERTIBLE or (unit is not None and len(content) % unit == 0):
        assert back == content
    elif unit is None and text_fault(text) is None:
        decoder = Decoder(dialect.encoding)
        again = decoder.feed(back) + decoder.finish()
        assert (exchange(again) if dialect.is_exchanged else again) == text


def _is_rewritten(dialect: Dialect) -> bool:
    """Whether the stored text is a simpler form of the file's, which does not give its bytes back."""
    return dialect.skip_initial_space or dialect.has_doubled_returns or dialect.paired_colons


def _check_sniffer(head: bytes, options: TextOptions, matcher: UploadHeader) -> None:
    for is_all in (True, False):
        try:
            found = sniff(head, options, matcher, is_all=is_all)
        except (HeaderMismatch, UnreadableFile, UnsupportedFile, NoValidRecord):
            continue
        if found is None:
            assert not is_all
            continue
        end = b"\r" if found.dialect.is_exchanged else b"\n"
        assert 0 < found.header_end <= len(head)
        assert found.first_line == 1 + head.count(end, 0, found.header_end)
        assert found.header_end == len(head) or head.endswith(end, 0, found.header_end)


def _check_intake(content: bytes, parts: list[bytes], options: TextOptions, matcher: UploadHeader) -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            database_url="postgresql://unused.invalid/x",
            data_dir=Path(directory),
            batch_bytes=1024,
            small_upload_bytes=0,
            max_upload_bytes=_MOST_BYTES,
        )
        codec = next((codec for codec in CODECS if codec.begins(content)), None)
        filename = f"x.tsv{codec.endings[0] if codec else ''}"
        intake = FileIntake(DirectoryStorage(settings.upload_dir), settings, filename, options, matcher)
        try:
            for part in parts:
                intake.feed(part)
            staged = intake.finish()
        except (TooLarge, UnreadableFile):
            pass
        else:
            stored = (settings.upload_dir / staged.storage_key).read_bytes()
            _check_staged(content, stored, staged)
            if codec is None and not _is_rewritten(staged.dialect):
                _assert_given_back(content, stored, staged.dialect)
        finally:
            intake.abort()
            assert list(settings.upload_dir.iterdir()) == []


def _check_staged(content: bytes, stored: bytes, staged: StagedFile) -> None:
    assert (staged.size_bytes, staged.content_bytes) == (len(content), len(stored))
    assert staged.sha256 == hashlib.sha256(content).hexdigest()
    first_line = 1 + stored.count(b"\n", 0, staged.header_bytes)
    assert_spans_tile(stored[staged.header_bytes :], staged.spans, staged.header_bytes, first_line)
