"""Any file: its text comes back out of what is stored, errors are those that are documented, nothing is left behind."""

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from shared.errors import HeaderMismatch, NoSoundRecord, TooLarge, UnreadableFile, UnsupportedFile
from shared.ingest.accept import ReceivedFile, Receiver
from shared.ingest.dialect import DELIMITERS, Dialect
from shared.ingest.encoding import ENCODINGS, UTF_8, Decoder, bom_of, encode
from shared.ingest.sniff import Wanted, sniff
from shared.settings import Settings
from shared.storage.local import LocalStorage
from tests.fuzz.controls import blocks, chosen, controls
from tests.shared.reading import assert_spans_tile

# what the client says, encoding, size of blocks
CONTROLS: Final = 3
_WANTED: Final = (
    *(Wanted(),) * 4,
    *(Wanted(delimiter=delimiter) for delimiter in DELIMITERS),
    *(Wanted(quoting=quoting) for quoting in (True, False)),
    *(Wanted(dataset=dataset) for dataset in ("movies", "title.basics")),
)
_ENCODINGS: Final = (*(None,) * 4, *ENCODINGS)
_MOST_BYTES: Final = 1024 * 1024


def check(data: bytes) -> None:
    (wanted, encoding, block), content = controls(data, CONTROLS)
    says, named = chosen(_WANTED, wanted), chosen(_ENCODINGS, encoding)
    parts = blocks(content, block)
    _check_sniffer(_check_decoder(content, parts, named), says)
    _check_receiver(content, parts, Wanted(says.dataset, says.delimiter, says.quoting, named))


def _check_decoder(content: bytes, parts: list[bytes], encoding: str | None) -> bytes:
    decoder = Decoder(encoding)
    text = b"".join([decoder.feed(part) for part in parts] + [decoder.finish()])
    dialect = Dialect(",", quoting=True, encoding=decoder.encoding, bom=decoder.bom)
    _assert_given_back(content, text, dialect)
    return text


def _assert_given_back(content: bytes, text: bytes, dialect: Dialect) -> None:
    if not (dialect.encoding.startswith("utf-16") and len(content) % 2):  # half a unit is lost
        before = b"" if dialect.encoding == UTF_8 else bom_of(dialect)
        assert before + encode(text, dialect) == content


def _check_sniffer(head: bytes, wanted: Wanted) -> None:
    for is_all in (True, False):
        try:
            found = sniff(head, wanted, is_all=is_all)
        except (HeaderMismatch, UnreadableFile, UnsupportedFile, NoSoundRecord):
            continue
        if found is None:
            assert not is_all
            continue
        end = b"\r" if found.dialect.is_exchanged else b"\n"
        assert 0 < found.header_end <= len(head)
        assert found.first_line == 1 + head.count(end, 0, found.header_end)
        assert found.header_end == len(head) or head.endswith(end, 0, found.header_end)


def _check_receiver(content: bytes, parts: list[bytes], wanted: Wanted) -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            database_url="postgresql://unused.invalid/x",
            data_dir=Path(directory),
            batch_bytes=1024,
            small_upload_bytes=0,
            max_upload_bytes=_MOST_BYTES,
        )
        is_gzip = content.startswith(b"\x1f\x8b")
        receiver = Receiver(LocalStorage(settings.upload_dir), settings, "x.csv.gz" if is_gzip else "x.tsv", wanted)
        try:
            for part in parts:
                receiver.feed(part)
            received = receiver.finish()
        except (TooLarge, UnreadableFile):
            pass
        else:
            stored = (settings.upload_dir / received.storage_key).read_bytes()
            _check_received(content, stored, received)
            if not is_gzip:
                _assert_given_back(content, stored, received.dialect)
        finally:
            receiver.abort()
            assert list(settings.upload_dir.iterdir()) == []


def _check_received(content: bytes, stored: bytes, received: ReceivedFile) -> None:
    assert (received.size_bytes, received.content_bytes) == (len(content), len(stored))
    assert received.sha256 == hashlib.sha256(content).hexdigest()
    assert received.content_sha256 == hashlib.sha256(stored).hexdigest()
    first_line = 1 + stored.count(b"\n", 0, received.header_bytes)
    assert_spans_tile(stored[received.header_bytes :], received.spans, received.header_bytes, first_line)
