r"""Lines that end with \r\r\n: text with \r\n that was written once more as text."""

from typing import Final

_LEAST_SHARE: Final = 0.5


def has_doubled_returns(text: bytes) -> bool:
    """Whether most lines end like that."""
    return text.count(b"\r\r\n") > _LEAST_SHARE * text.count(b"\n")


def single_returns(text: bytes) -> bytes:
    """The text with one carriage return less at each such line end."""
    return text.replace(b"\r\r\n", b"\r\n")


class SingleReturns:
    """Applies `single_returns` to a text that comes in blocks."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, block: bytes, *, at_end: bool) -> bytes:
        """Take the next block; return what is certain by now, or everything that is left if `at_end`."""
        text = self._held + block
        cut = len(text) if at_end else len(text) - min(2, len(text) - len(text.rstrip(b"\r")))
        self._held = text[cut:]
        return single_returns(text[:cut])
