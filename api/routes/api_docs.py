"""Swagger UI at `/docs`, with everything that it loads. Uses neither the database nor the broker."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.description.public_names import DOCS_ASSETS, DOCS_PATH
from api.middleware.security_headers import PAGE_CACHING
from api.web.swagger_ui import ASSETS, CONTENT_SECURITY_POLICY, Asset, docs_page

router = APIRouter(include_in_schema=False)


@router.get(DOCS_PATH, response_class=HTMLResponse)
def show_docs(request: Request) -> HTMLResponse:
    """The page."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": PAGE_CACHING}
    return HTMLResponse(docs_page(request.app.title), headers=headers)


def _show(asset: Asset) -> Callable[[], Response]:
    def show_asset() -> Response:
        """A file that the page loads."""
        return Response(asset.read(), media_type=asset.media_type, headers={"Cache-Control": PAGE_CACHING})

    return show_asset


# One route for each: an address that holds a name could be made to mean another file.
for _name in DOCS_ASSETS:
    router.add_api_route(f"{DOCS_PATH}/{_name}", _show(ASSETS[_name]), methods=["GET"], name=f"docs {_name}")
