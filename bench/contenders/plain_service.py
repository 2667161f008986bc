"""The catalogue as a few dozen lines of FastAPI and SQLAlchemy make it: joins, ILIKE, count(*) and OFFSET.

It answers the same questions at the same addresses. `DATABASE_URL` is libpq's; a statement has thirty seconds.
"""

import os
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy import ColumnElement, Select, UnaryExpression, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload, selectinload

from bench.contenders.plain_models import Country, Credit, Genre, Movie, MovieCountry, MovieGenre, Person

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
    connect_args={"server_settings": {"statement_timeout": "30s", "jit": "off"}},
    pool_size=10,
)
sessions = async_sessionmaker(engine)
app = FastAPI()
router = APIRouter(prefix="/api/v1")
SORTS = {
    "release_date": Movie.release_order,
    "vote_average": Movie.vote_average,
    "title": Movie.title,
    "popularity": Movie.vote_count,
}
WITH_LISTS = (selectinload(Movie.genres), selectinload(Movie.countries))


async def opened() -> AsyncIterator[AsyncSession]:
    """A session for a request."""
    async with sessions() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(opened)]


def answer(content: Any) -> JSONResponse:
    """Rows as JSON."""
    return JSONResponse(jsonable_encoder(content))


async def page_of(session: AsyncSession, query: Select[Any], page: int, page_size: int) -> dict[str, Any]:
    """The rows of a page, and how many there are."""
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = (await session.scalars(query.offset((page - 1) * page_size).limit(page_size))).all()
    return {"items": rows, "total": total, "page": page, "page_size": page_size}


def ordered(sort_by: str, sort_order: str) -> Sequence[UnaryExpression[Any]]:
    """Movies without a value come last."""
    key = SORTS[sort_by]
    return (key.desc().nulls_last(), Movie.id.desc()) if sort_order == "desc" else (key.asc(), Movie.id.asc())


@router.get("/search")
async def search(session: SessionDep, q: str, page: int = 1, page_size: int = 20) -> JSONResponse:
    """Movies by a part of a title, people and genres by a part of a name."""
    part = f"%{q}%"
    is_called: ColumnElement[bool] = or_(Movie.title.ilike(part), Movie.original_title.ilike(part))
    movies = select(Movie).where(is_called).order_by(*ordered("popularity", "desc")).options(*WITH_LISTS)
    people = select(Person).where(Person.name.ilike(part)).order_by(Person.id)
    genres = select(Genre).where(Genre.name.ilike(part))
    return answer(
        {
            "movies": await page_of(session, movies, page, page_size),
            "people": await page_of(session, people, page, page_size),
            "genres": (await session.scalars(genres)).all(),
        }
    )


@router.get("/movies")
async def list_movies(
    *,
    session: SessionDep,
    title: str | None = None,
    genre: str | None = None,
    country: str | None = None,
    person: str | None = None,
    title_type: str | None = None,
    language: str | None = None,
    release_year: int | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    min_votes: int | None = None,
    sort_by: str = "release_date",
    sort_order: str = "desc",
    page: int = 1,
    page_size: int = 20,
) -> JSONResponse:
    """Movies that pass all filters."""
    query = select(Movie)
    if genre is not None:
        query = query.join(Movie.genres).where(Genre.name == genre)
    if country is not None:
        query = query.join(Movie.countries).where(Country.name == country)
    if person is not None:
        query = query.join(Movie.credits).join(Credit.person).where(Person.source_id == person).distinct()
    if title is not None:
        query = query.where(or_(Movie.title.ilike(f"%{title}%"), Movie.original_title.ilike(f"%{title}%")))
    for column, value in (
        (Movie.title_type, title_type),
        (Movie.original_language, language),
        (Movie.release_year, release_year),
    ):
        if value is not None:
            query = query.where(column == value)
    if year_from is not None:
        query = query.where(Movie.release_year >= year_from)
    if year_to is not None:
        query = query.where(Movie.release_year <= year_to)
    if min_votes is not None:
        query = query.where(Movie.vote_count >= min_votes)
    query = query.order_by(*ordered(sort_by, sort_order)).options(*WITH_LISTS)
    return answer(await page_of(session, query, page, page_size))


@router.get("/movies/{movie_id}")
async def get_movie(session: SessionDep, movie_id: int) -> JSONResponse:
    """A movie with its genres, countries and credits."""
    with_credits = selectinload(Movie.credits).joinedload(Credit.person)
    return answer(await session.get(Movie, movie_id, options=(*WITH_LISTS, with_credits)))


@router.get("/people")
async def list_people(
    session: SessionDep, birth_year: int | None = None, page: int = 1, page_size: int = 20
) -> JSONResponse:
    """People, all or those born in a year."""
    query = select(Person).order_by(Person.id)
    if birth_year is not None:
        query = query.where(Person.birth_year == birth_year)
    return answer(await page_of(session, query, page, page_size))


@router.get("/people/{person_id}/movies")
async def list_movies_of_person(
    session: SessionDep, person_id: int, page: int = 1, page_size: int = 20
) -> JSONResponse:
    """What a person did."""
    query = select(Credit).where(Credit.person_id == person_id).order_by(Credit.movie_id)
    return answer(await page_of(session, query.options(joinedload(Credit.movie)), page, page_size))


@router.get("/genres")
async def list_genres(session: SessionDep) -> JSONResponse:
    """How many movies each genre has."""
    query = select(Genre.name, func.count()).join(MovieGenre).group_by(Genre.name).order_by(func.count().desc())
    return answer([{"name": name, "movies": movies} for name, movies in await session.execute(query)])


@router.get("/countries")
async def list_countries(session: SessionDep) -> JSONResponse:
    """How many movies were produced in each country."""
    query = select(Country.name, func.count()).join(MovieCountry).group_by(Country.name).order_by(func.count().desc())
    return answer([{"name": name, "movies": movies} for name, movies in await session.execute(query)])


app.include_router(router)
