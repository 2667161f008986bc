"""Pages by number for all lists, by cursor for movies; `Link` headers (RFC 8288) for both."""

import base64
import binascii
import hashlib
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http_errors import InvalidCursor, PageTooDeep
from shared.catalog.search_words import LONGEST_KEY
from shared.database.queries.browsing.bounded_scans import Position
from shared.database.queries.browsing.listing import Listing
from shared.database.queries.browsing.movie_filters import NO_FILTERS

# Skipping rows costs as much as reading them. To read everything, a client uses the cursor (or the CSV of rejects).
MAX_OFFSET_ROWS: Final = 100_000
MAX_ID: Final = 2**53 - 1
_MOST: Final = {"release_date": 9999_12_31, "vote_average": 10, "popularity": 2**63 - 1, "runtime": 2**31 - 1}
_LAST_PAGE: Final = 2**31
_UNREADABLE: Final = "The cursor is invalid; send next_cursor exactly as you received it."

PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Number of the page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=100, description="Rows on a page.")]


def offset_of(page: int, page_size: int) -> int:
    """Number of rows before the page; raises `PageTooDeep` beyond `MAX_OFFSET_ROWS`."""
    offset = (page - 1) * page_size
    if offset > MAX_OFFSET_ROWS:
        raise PageTooDeep(
            f"Pages by number end after {MAX_OFFSET_ROWS} rows; follow next_cursor (movies), request CSV (rejects),"
            " or use filters.",
            {"max_offset_rows": MAX_OFFSET_ROWS},
        )
    return offset


def link_header(links: dict[str, str]) -> dict[str, str]:
    """The `Link` header for these relations; {} if there are none."""
    if not links:
        return {}
    return {"Link": ", ".join(f'<{address}>; rel="{relation}"' for relation, address in links.items())}


def page_links(request: Request, page: int, page_size: int, total: int) -> dict[str, str]:
    """`first`, `prev` and `next` of a page by number."""
    links = {}
    if page > 1:
        links["first"] = address_with(request, page=1)
        links["prev"] = address_with(request, page=page - 1)
    if page * page_size < total and page * page_size <= MAX_OFFSET_ROWS:
        links["next"] = address_with(request, page=page + 1)
    return links


def address_with(request: Request, **changes: str | int | None) -> str:
    """The request's path and query with some parameters replaced; those that are None are removed."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    added = [(name, str(value)) for name, value in changes.items() if value is not None]
    query = urlencode(kept + added)
    return f"{request.url.path}?{query}" if query else request.url.path


class Cursor(BaseModel):
    """The end of a page of movies: the listing, and the last movie's sort key (null if it has none) and id."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    listing: str = Field(alias="l")
    key: int | float | str | None = Field(alias="k")
    id: int = Field(alias="i", ge=0, le=MAX_ID)
    # of a movie whose sort key is in `ratings`: the id of the rating
    rating: int | None = Field(alias="r", ge=0, le=MAX_ID, default=None)
    page: int = Field(alias="p", ge=2, le=_LAST_PAGE)

    @classmethod
    def after(cls, listing: Listing, position: Position, next_page: int) -> Self:
        """The cursor to the page that follows the movie at this position."""
        key, of_key, movie_id = position
        rating = None if key is None or of_key == movie_id else of_key
        return cls(l=_name_of(listing), k=key, i=movie_id, r=rating, p=next_page)

    @classmethod
    def decode(cls, text: str, listing: Listing) -> Self:
        """Decode a cursor; raises `InvalidCursor` if it is invalid or belongs to another listing."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            cursor = cls.model_validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValidationError, ValueError, binascii.Error) as error:
            raise InvalidCursor(_UNREADABLE) from error
        if cursor.listing != _name_of(listing):
            raise InvalidCursor("The cursor belongs to another tenant, filter or order; start without a cursor.")
        # `encode` makes neither: the page after `_LAST_PAGE` would have no valid cursor, and dates are whole numbers.
        if cursor.page == _LAST_PAGE or not _is_key(listing, cursor.key):
            raise InvalidCursor(_UNREADABLE)
        return cursor

    @property
    def position(self) -> Position:
        """That of the last movie of the page before."""
        return self.key, self.id if self.rating is None else self.rating, self.id

    def encode(self) -> str:
        """The cursor as opaque text, safe in a URL."""
        return (
            base64.urlsafe_b64encode(self.model_dump_json(by_alias=True, exclude_defaults=True).encode())
            .rstrip(b"=")
            .decode()
        )


def _is_key(listing: Listing, key: float | str | None) -> bool:
    """Whether the sort key may have this value."""
    if key is None:
        return listing.has_movies_without_key
    if isinstance(key, str):
        return listing.sort_by == "title" and len(key) <= LONGEST_KEY and "\0" not in key
    if listing.sort_by == "title" or (isinstance(key, float) and listing.sort_by != "vote_average"):
        return False
    return 0 <= key <= _MOST[listing.sort_by]


def _name_of(listing: Listing) -> str:
    moment = "" if listing.later is None else f"/{listing.later.moment}"
    order = "desc" if listing.is_descending else "asc"
    name = f"{listing.tenant}/{listing.release_year}/{listing.language}/{listing.sort_by}/{order}{moment}"
    if listing.filters == NO_FILTERS:
        return name
    return hashlib.sha256(f"{name}/{listing.filters}".encode()).hexdigest()
