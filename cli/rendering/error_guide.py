"""What docs/errors.md says about a code."""

import re
from pathlib import Path
from typing import Final

# The directory `docs` is beside the package `cli` in a checkout, in the image and in an installed wheel.
_DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def advice_on(code: str) -> str:
    """The text of the code's section, a line for each paragraph; "" if there is none."""
    if not _DOCUMENT.is_file():
        return ""
    sections = re.split(r"\n(?=##)", _DOCUMENT.read_text(encoding="utf-8"))
    found = next((text for text in sections if text.startswith(f"### `{code}`\n")), "")
    return "\n".join(_plain(paragraph) for paragraph in found.split("\n\n")[1:])


def _plain(paragraph: str) -> str:
    links_as_text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    return " ".join(re.sub(r"[`*]", "", links_as_text).split())
