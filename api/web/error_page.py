"""docs/errors.md as an HTML page without scripts or foreign resources; each heading is an anchor."""

import base64
import hashlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

# The directory `docs` is beside the package `api` in a checkout, in the image and in an installed wheel.
DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "errors.md"

_STYLE: Final = """
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
code { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid #8886; border-radius: 0.25rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid #8886; }
h3 { margin: 2rem 0 0.25rem; }
h2 a, h3 a { color: inherit; text-decoration: none; }
h3:target { background: #fc06; }
p { margin: 0.25rem 0; }
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors</title>
<style>{style}</style>
</head>
<body>
{body}</body>
</html>
"""

# The policy allows only our own style, by its hash. Nothing else in the page could run or be fetched.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    f" style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


@cache
def error_page() -> str:
    """The page as HTML, rendered once; raises `OSError` if the document is not there."""
    return _PAGE.format(style=_STYLE, body=render(DOCUMENT.read_text(encoding="utf-8")))


def render(markdown: str) -> str:
    """Render Markdown as HTML; HTML inside the document is shown as text."""
    parser = MarkdownIt("commonmark", {"html": False})
    tokens = parser.parse(markdown)
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            _make_anchor(opening, text)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html


def _make_anchor(opening: Token, text: Token) -> None:
    """Give the heading the anchor that GitHub gives it, so that links work in both. A code's anchor is the code."""
    anchor = re.sub(r"[^\w -]", "", text.content.lower()).replace(" ", "-")
    opening.attrSet("id", anchor)
    link = Token("link_open", "a", 1, attrs={"href": f"#{anchor}"})
    text.children = [link, *(text.children or []), Token("link_close", "a", -1)]
