"""Which names a table may have. This is the one module of the client that knows, from what the intake says."""

from shared.ingest.intake.file_intake import FILENAME_ENDINGS


def refusal_of(name: str) -> str | None:
    """Why the API would refuse a file of this name; None if it would not."""
    if name.lower().endswith(FILENAME_ENDINGS):
        return None
    return f"the file's name must end with one of {', '.join(FILENAME_ENDINGS)}"
