"""A process that cleans pictures for the API: a decoder that hangs or crashes takes no request with it.

    python -m shared.shots.process

It answers `RawPicture`s (see `shared.side_process`) with what `clean` returns or raises.
"""

from shared.errors import IngestError
from shared.shots.cleaning import clean
from shared.shots.picture import Picture, RawPicture
from shared.side_process import serve


def main() -> None:
    """Answer until the input ends."""
    serve(_answer)


def _answer(raw: RawPicture) -> Picture | IngestError:
    try:
        return clean(raw)
    except IngestError as error:
        return error


if __name__ == "__main__":
    main()
