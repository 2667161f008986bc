"""A process that makes previews for the API, which loads neither pandas nor pandera.

    python -m shared.ingest.preview.process

It reads pickled `Beginning`s from its standard input, each after its length in eight bytes, and writes in the same way
what `preview` returns or raises. It ends when its input does.
"""

import os
import pickle  # nosec B403  between the API and its own process only
import sys
from typing import Any, BinaryIO, Final

from shared.csv.unreadable import UnreadableFile
from shared.errors import IngestError
from shared.ingest.preview.beginning import LENGTH_BYTES
from shared.ingest.preview.preview import preview
from shared.settings import Settings

_NICENESS: Final = 10


def main() -> None:
    """Answer until the input ends."""
    os.nice(_NICENESS)
    os.umask(0o077)  # like the API
    settings = Settings()
    while size := sys.stdin.buffer.read(LENGTH_BYTES):
        beginning = pickle.loads(sys.stdin.buffer.read(int.from_bytes(size)))  # noqa: S301  # nosec B301  only the API writes to it
        try:
            answer: Any = preview(beginning, settings)
        except (IngestError, UnreadableFile) as error:
            answer = error
        _write(sys.stdout.buffer, answer)


def _write(output: BinaryIO, answer: Any) -> None:
    content = pickle.dumps(answer)
    output.write(len(content).to_bytes(LENGTH_BYTES) + content)
    output.flush()


if __name__ == "__main__":
    main()
