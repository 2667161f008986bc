"""Numbers and foreign text, formatted for a terminal."""

from datetime import datetime

_STEP = 1024.0


def printable(text: str) -> str:
    """`text` with every control character escaped: a cell of an uploaded file must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def count(number: float) -> str:
    """`1234567` as `1,234,567`; fractions are rounded."""
    return f"{number:,.0f}"


def size(number_of_bytes: float) -> str:
    """`1536` as `1.5 KiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if number_of_bytes < _STEP:
            return f"{number_of_bytes:,.0f} bytes" if unit == "bytes" else f"{number_of_bytes:.1f} {unit}"
        number_of_bytes /= _STEP
    return f"{number_of_bytes:,.2f} GiB"


def elapsed_seconds(upload: dict[str, str | None]) -> float | None:
    """Seconds from the start to the end of the loading; None if it has not started or not ended."""
    started, finished = upload.get("started_at"), upload.get("finished_at")
    if started is None or finished is None:
        return None
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def minute(timestamp: str) -> str:
    """`2026-11-27T08:15:03Z` as `2026-11-27 08:15`."""
    return timestamp[:16].replace("T", " ")
