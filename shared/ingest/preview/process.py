"""A process that makes previews for the API, which loads neither pandas nor pandera.

    python -m shared.ingest.preview.process

It answers `Beginning`s (see `shared.side_process`) with what `preview` returns or raises.
"""

from typing import Any

from shared.csv.unreadable import UnreadableFile
from shared.errors import IngestError
from shared.ingest.preview.beginning import Beginning
from shared.ingest.preview.preview import preview
from shared.settings import Settings
from shared.side_process import serve


def main() -> None:
    """Answer until the input ends."""
    settings = Settings()

    def answer(beginning: Beginning) -> Any:
        try:
            return preview(beginning, settings)
        except (IngestError, UnreadableFile) as error:
            return error

    serve(answer)


if __name__ == "__main__":
    main()
