"""Swagger UI without a network: the page, its files from the package `fastapi-swagger`, and its policy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from api.description.public_names import DOCS_PATH, DOCUMENT_PATH

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{path}/swagger-ui.css">
<link rel="icon" type="image/png" href="{path}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The description is at <a href="{document}">{document}</a>.</noscript>
<script src="{path}/swagger-ui-bundle.js"></script>
<script src="{path}/initializer.js"></script>
</body>
</html>
"""
# validatorUrl: by default the page shows the API's address to a service of Swagger's.
_INITIALIZER: Final = f"""SwaggerUIBundle({{
  url: "{DOCUMENT_PATH}",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
}});
"""

# What the page loads is all on the API's own origin. Swagger UI's styles contain their images as data; its scripts
# set styles only in ways that need no permission.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
)


@dataclass(frozen=True)
class Asset:
    """A file that the page loads. `read` returns its bytes."""

    media_type: str
    read: Callable[[], bytes]


def _packaged(name: str) -> Callable[[], bytes]:
    return cache((files("fastapi_swagger.resources") / name).read_bytes)


# By name below `DOCS_PATH`. Nothing else of the package's directory is served.
ASSETS: Final = {
    "swagger-ui-bundle.js": Asset("text/javascript", _packaged("swagger-ui-bundle.js")),
    "swagger-ui.css": Asset("text/css", _packaged("swagger-ui.css")),
    "favicon-32x32.png": Asset("image/png", _packaged("favicon-32x32.png")),
    "initializer.js": Asset("text/javascript", _INITIALIZER.encode),
}


def docs_page(title: str) -> str:
    """The page as HTML."""
    return _PAGE.format(title=escape(title), path=DOCS_PATH, document=DOCUMENT_PATH)
