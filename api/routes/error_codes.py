"""The page that explains every error code; the `type` of a problem document links to it."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.description.openapi import problems
from api.description.problems import ERRORS_PATH
from api.middleware.security_headers import PAGE_CACHING
from api.web.error_page import CONTENT_SECURITY_POLICY, error_page

router = APIRouter(tags=["about"])


@router.get(ERRORS_PATH, response_class=HTMLResponse, responses=problems(), summary="Explain every error code")
def show_errors() -> HTMLResponse:
    """An HTML page with an anchor for each code: what happened, why, what to do. Uses neither database nor broker."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": PAGE_CACHING}
    return HTMLResponse(error_page(), headers=headers)
