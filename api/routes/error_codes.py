"""What every code means: the page to which the `type` of a problem document leads."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.description.openapi import problems
from api.description.problems import ERRORS_PATH
from api.middleware.security_headers import PAGE_CACHING
from api.web.error_page import CONTENT_SECURITY_POLICY, error_page

router = APIRouter(tags=["about"])


@router.get(ERRORS_PATH, response_class=HTMLResponse, responses=problems(), summary="What every error code means")
def show_errors() -> HTMLResponse:
    """HTML, with an anchor for each code: what happened, why, and what to do. Touches neither database nor broker."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": PAGE_CACHING}
    return HTMLResponse(error_page(), headers=headers)
