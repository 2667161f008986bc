"""Names of files that can be tables, so that a wrong one is refused before anything is sent."""

from shared.csv.compression.registry import codec_of
from shared.csv.unreadable import UnsupportedFile


def refusal_of(name: str) -> str | None:
    """Why the API would refuse a file of this name; None if it would not."""
    try:
        codec_of(name)
    except UnsupportedFile as error:
        return error.message
    return None
