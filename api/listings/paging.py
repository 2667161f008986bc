"""Pages: by number everywhere, by cursor where the listing is long; `Link` headers (RFC 8288) for both."""

import base64
import binascii
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http_errors import InvalidCursor, PageTooDeep
from shared.database.queries.movies import Listing

# Skipping rows costs as much as reading them; whoever wants to read everything has the cursor (or the CSV).
MAX_OFFSET_ROWS: Final = 100_000
MAX_ID: Final = 2**53 - 1
_LATEST_RELEASE_ORDER: Final = 9999_12_31
_LAST_PAGE: Final = 2**31

PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Number of the page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=100, description="Rows on a page.")]


def offset_of(page: int, page_size: int) -> int:
    """Rows before the page; raises `PageTooDeep` beyond `MAX_OFFSET_ROWS`."""
    offset = (page - 1) * page_size
    if offset > MAX_OFFSET_ROWS:
        raise PageTooDeep(
            f"Pages by number reach {MAX_OFFSET_ROWS} rows deep; follow next_cursor (movies), ask for CSV (rejects),"
            " or use filters.",
            {"max_offset_rows": MAX_OFFSET_ROWS},
        )
    return offset


def link_header(links: dict[str, str]) -> dict[str, str]:
    """The `Link` header of these relations; none without relations."""
    if not links:
        return {}
    return {"Link": ", ".join(f'<{address}>; rel="{relation}"' for relation, address in links.items())}


def page_links(request: Request, page: int, page_size: int, total: int) -> dict[str, str]:
    """`first`, `prev` and `next` of a list that is paged by number."""
    links = {}
    if page > 1:
        links["first"] = address_with(request, page=1)
        links["prev"] = address_with(request, page=page - 1)
    if page * page_size < total and page * page_size <= MAX_OFFSET_ROWS:
        links["next"] = address_with(request, page=page + 1)
    return links


def address_with(request: Request, **changes: str | int | None) -> str:
    """The request's path and query with some parameters set, or left out where None."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    added = [(name, str(value)) for name, value in changes.items() if value is not None]
    query = urlencode(kept + added)
    return f"{request.url.path}?{query}" if query else request.url.path


class Cursor(BaseModel):
    """Where a page of movies ended: the last movie's sort key (null: it has none) and id, and the listing it is of."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    listing: str = Field(alias="l")
    key: int | float | None = Field(alias="k", ge=0, le=_LATEST_RELEASE_ORDER)
    id: int = Field(alias="i", ge=0, le=MAX_ID)
    page: int = Field(alias="p", ge=2, le=_LAST_PAGE)

    @classmethod
    def after(cls, listing: Listing, key: float | None, movie_id: int, next_page: int) -> Self:
        """A cursor to what follows the movie in the listing."""
        return cls(l=_name_of(listing), k=key, i=movie_id, p=next_page)

    @classmethod
    def decode(cls, text: str, listing: Listing) -> Self:
        """Read a cursor back; raises `InvalidCursor` if it is damaged or was made for another listing."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            cursor = cls.model_validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValidationError, ValueError, binascii.Error) as error:
            raise InvalidCursor("The cursor is damaged; take next_cursor as it is.") from error
        if cursor.listing != _name_of(listing):
            raise InvalidCursor("The cursor belongs to another tenant, filter or order; begin without a cursor.")
        # nobody reads so many pages, and no cursor could be made to the one behind the last
        if cursor.page == _LAST_PAGE or (listing.sort_by == "release_date" and isinstance(cursor.key, float)):
            raise InvalidCursor("The cursor is damaged; take next_cursor as it is.")
        return cursor

    def encode(self) -> str:
        """Opaque text for an address."""
        return base64.urlsafe_b64encode(self.model_dump_json(by_alias=True).encode()).rstrip(b"=").decode()


def _name_of(listing: Listing) -> str:
    order = "desc" if listing.is_descending else "asc"
    return f"{listing.tenant}/{listing.release_year}/{listing.language}/{listing.sort_by}/{order}"
