"""Swagger UI at `/docs`, with a Content-Security-Policy that allows exactly what the page loads."""

import base64
import hashlib
import re
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from api.middleware.security_headers import PAGE_CACHING

router = APIRouter(include_in_schema=False)

_LOADED: Final = re.compile(r"""<(script|link)\b[^>]*\b(?:src|href)="(https://[^"]+)\"""")
_OWN_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@router.get("/docs", response_class=HTMLResponse)
def show_docs(request: Request) -> HTMLResponse:
    """Swagger UI. Uses neither the database nor the broker."""
    page = _page(request.app.title)
    return HTMLResponse(page, headers={"Content-Security-Policy": policy_of(page), "Cache-Control": PAGE_CACHING})


@cache
def _page(title: str) -> str:
    return bytes(get_swagger_ui_html(openapi_url="/openapi.json", title=title).body).decode()


@cache
def policy_of(page: str) -> str:
    """The policy for the page: the origins that it loads from, its own script by hash, and the API itself.

    Styles are allowed without a hash, because Swagger UI sets them at run time.
    """
    origins: dict[str, set[str]] = {"script": set(), "link": set()}
    for element, address in _LOADED.findall(page):
        parts = urlsplit(address)
        origins[element].add(f"{parts.scheme}://{parts.netloc}")
    hashes = [_hash(script) for script in _OWN_SCRIPT.findall(page)]
    links = " ".join(sorted(origins["link"]))
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self';"
        f" script-src {' '.join([*sorted(origins['script']), *hashes])};"
        f" style-src 'unsafe-inline' {links}; img-src 'self' data: {links}"
    )


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
