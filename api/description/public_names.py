"""Headers, addresses and media types of the public contract that several parts of the API name."""

from typing import Final

from shared.csv.compression.registry import MEDIA_TYPES

TRACE_HEADER: Final = "X-Trace-Id"

KEY_HEADER: Final = "X-API-Key"
TENANT_HEADER: Final = "X-Tenant"
# Where an answer comes from, and the tag that the client has.
CACHE_HEADER: Final = "X-Cache"
NONE_MATCH_HEADER: Final = "If-None-Match"
PUBLIC_PATHS: Final = frozenset({"/api/v1/ping", "/healthz", "/api/v1/healthz", "/api/v1/health/db", "/errors"})
# What is below it is for operators.
ADMIN_PATH: Final = "/api/v1/admin"
DOCS_PATH: Final = "/docs"
DOCUMENT_PATH: Final = "/openapi.json"
DOCS_ASSETS: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "initializer.js")
DOCS_PATHS: Final = frozenset({DOCS_PATH, DOCUMENT_PATH, *(f"{DOCS_PATH}/{name}" for name in DOCS_ASSETS)})

# Media types of a body that is the file itself, and of a form that contains it.
RAW_TYPES: Final = (
    "application/octet-stream",
    "text/csv",
    "text/tab-separated-values",
    "text/plain",
    "application/csv",
    "application/vnd.ms-excel",  # browsers on Windows send this for a CSV
    *MEDIA_TYPES,
    "application/x-www-form-urlencoded",  # the default of `curl --data-binary`
)
# The same for pictures; what they are is told by their bytes.
PICTURE_TYPES: Final = (
    "application/octet-stream",
    "image/png",
    "image/jpeg",
    "image/webp",
    "application/x-www-form-urlencoded",
)
MULTIPART_TYPE: Final = "multipart/form-data"
