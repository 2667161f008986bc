"""OpenAPI links: the requests that can follow an answer. `make fuzz-api` follows them, and clients may."""

from typing import Any, Final

from api.description.openapi import Responses

_UPLOAD: Final = "/api/v1/uploads/{upload_id}"
_SHOT: Final = "/api/v1/shots/{shot_id}"
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
_TENANT_OF_FIRST: Final = "$response.body#/items/0/tenant"
_SERIES: Final = "/api/v1/reports/series/{title_id}"
_SERIES_OF_MOVIE: Final = {"title_id": "$response.body#/id", "tenant": "$response.body#/tenant"}
MOVIE_PAGE_LINKS: Final = {
    "GetMovie": _link(
        "get", "/api/v1/movies/{movie_id}", movie_id="$response.body#/items/0/id", tenant=_TENANT_OF_FIRST
    ),
}
MOVIE_LINKS: Final = {
    "GetUpload": _link("get", _UPLOAD, upload_id="$response.body#/source/upload_id", tenant="$response.body#/tenant"),
    "GetSeriesReport": _link("get", _SERIES, **_SERIES_OF_MOVIE),
    "ExportSeriesReport": _link("get", f"{_SERIES}.csv", **_SERIES_OF_MOVIE),
}
_PERSON: Final = "/api/v1/people/{person_id}"
_FIRST_PERSON: Final = {"person_id": "$response.body#/items/0/id", "tenant": _TENANT_OF_FIRST}
PEOPLE_PAGE_LINKS: Final = {
    "GetPerson": _link("get", _PERSON, **_FIRST_PERSON),
    "ListMoviesOfPerson": _link("get", f"{_PERSON}/movies", **_FIRST_PERSON),
}


def _links_of_shot(pointer: str) -> dict[str, Any]:
    """Links to all operations on the shot at this JSON pointer of the answer."""
    shot = {"shot_id": f"$response.body#{pointer}/id"}
    return {"GetShot": _link("get", _SHOT, **shot), "DeleteShot": _link("delete", _SHOT, **shot)}


SHOT_LINKS: Final = _links_of_shot("")
SHOTS_LINKS: Final = _links_of_shot("/items/0")

PULL_LINKS: Final = {
    "GetPull": _link("get", "/api/v1/pulls/{pull_id}", pull_id="$response.body#/id", tenant="$response.body#/tenant")
}


def linked(links: dict[str, Any], status: int = 200) -> Responses:
    """The response with this status, with its links."""
    return {status: {"links": links}}
