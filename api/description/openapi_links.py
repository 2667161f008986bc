"""OpenAPI links: the requests that can follow an answer. `make fuzz-api` follows them, and clients may."""

from typing import Any, Final

from api.description.openapi import Responses

_UPLOAD: Final = "/api/v1/uploads/{upload_id}"
# The operations on one upload: name of the link, method, path below the upload's address.
_OF_AN_UPLOAD: Final = (
    ("GetUpload", "get", ""),
    ("GetHistory", "get", "/history"),
    ("ListRejects", "get", "/rejects"),
    ("CorrectRejects", "post", "/rejects"),
    ("ListChanges", "get", "/changes"),
    ("ApplyPlan", "post", "/apply"),
    ("CancelUpload", "post", "/cancel"),
    ("RetryUpload", "post", "/retry"),
    ("UndoUpload", "post", "/undo"),
)


def _link(method: str, path: str, **parameters: str) -> dict[str, Any]:
    address = path.replace("~", "~0").replace("/", "~1")
    return {"operationRef": f"#/paths/{address}/{method}", "parameters": parameters}


def _links_of_upload(pointer: str) -> dict[str, Any]:
    """Links to all operations on the upload at this JSON pointer of the answer, for the same tenant."""
    upload = {"upload_id": f"$response.body#{pointer}/id", "tenant": f"$response.body#{pointer}/tenant"}
    return {name: _link(method, _UPLOAD + rest, **upload) for name, method, rest in _OF_AN_UPLOAD}


UPLOAD_LINKS: Final = _links_of_upload("")
UPLOAD_PAGE_LINKS: Final = _links_of_upload("/items/0")
MOVIE_PAGE_LINKS: Final = {
    "GetMovie": _link(
        "get",
        "/api/v1/movies/{movie_id}",
        movie_id="$response.body#/items/0/id",
        tenant="$response.body#/items/0/tenant",
    )
}
MOVIE_LINKS: Final = {
    "GetUpload": _link("get", _UPLOAD, upload_id="$response.body#/source/upload_id", tenant="$response.body#/tenant")
}


def linked(links: dict[str, Any], status: int = 200) -> Responses:
    """The response with this status, with its links."""
    return {status: {"links": links}}
