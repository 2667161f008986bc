"""The catalogue in normal form, with the indexes that one would think of: those of the plain service."""

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA = "plain"


class Base(DeclarativeBase):
    """The tables' own schema, beside the product's."""

    metadata = MetaData(schema=SCHEMA)


class Genre(Base):
    """A genre."""

    __tablename__ = "genres"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Country(Base):
    """A country of production."""

    __tablename__ = "countries"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class MovieGenre(Base):
    """A genre of a movie."""

    __tablename__ = "movie_genres"
    movie_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("movies.id"), primary_key=True)
    genre_id: Mapped[int] = mapped_column(ForeignKey("genres.id"), primary_key=True, index=True)


class MovieCountry(Base):
    """A country of a movie."""

    __tablename__ = "movie_countries"
    movie_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("movies.id"), primary_key=True)
    country_id: Mapped[int] = mapped_column(ForeignKey("countries.id"), primary_key=True, index=True)


class Movie(Base):
    """A movie; its votes are its own, or those of the table of ratings."""

    __tablename__ = "movies"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source_id: Mapped[str | None] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(index=True)
    original_title: Mapped[str | None]
    title_type: Mapped[str | None] = mapped_column(index=True)
    original_language: Mapped[str | None] = mapped_column(index=True)
    release_year: Mapped[int | None] = mapped_column(index=True)
    release_date: Mapped[dt.date | None]
    release_order: Mapped[int | None]
    runtime: Mapped[int | None]
    vote_average: Mapped[float | None]
    vote_count: Mapped[int | None] = mapped_column(BigInteger)
    overview: Mapped[str | None]
    genres: Mapped[list[Genre]] = relationship(secondary=MovieGenre.__table__)
    countries: Mapped[list[Country]] = relationship(secondary=MovieCountry.__table__)
    credits: Mapped[list["Credit"]] = relationship(order_by="Credit.ordering", back_populates="movie")
    # as they are sorted, so that each order is one of an index
    __table_args__ = tuple(
        Index(f"ix_movies_{name}", text(f"{name} DESC NULLS LAST"), text("id DESC"))
        for name in ("release_order", "vote_average", "vote_count")
    )


class Person(Base):
    """Somebody who makes films."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(index=True)
    birth_year: Mapped[int | None] = mapped_column(index=True)
    death_year: Mapped[int | None]


class Credit(Base):
    """What somebody did for a movie."""

    __tablename__ = "credits"
    movie_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("movies.id"), primary_key=True)
    ordering: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"), index=True)
    category: Mapped[str | None]
    movie: Mapped[Movie] = relationship(back_populates="credits")
    person: Mapped[Person] = relationship()


ROWS_OF = {
    "genres": "SELECT row_number() OVER ()::integer AS id, name FROM"
    " (SELECT DISTINCT unnest(genres) AS name FROM public.movies) AS named",
    "countries": "SELECT row_number() OVER ()::integer AS id, name FROM"
    " (SELECT DISTINCT unnest(countries) AS name FROM public.movies) AS named",
    "movies": "SELECT m.id, m.source_id, m.title, m.original_title, m.title_type, m.original_language,"
    " m.release_year::integer, m.release_date, m.release_order, m.runtime,"
    " coalesce(m.vote_average, r.vote_average) AS vote_average, coalesce(m.vote_count, r.vote_count) AS vote_count,"
    " m.overview FROM public.movies m LEFT JOIN public.ratings r USING (source_id)",
    "movie_genres": "SELECT m.id AS movie_id, g.id AS genre_id"
    f" FROM public.movies m, unnest(m.genres) AS named JOIN {SCHEMA}.genres g ON g.name = named",
    "movie_countries": "SELECT m.id AS movie_id, c.id AS country_id"
    f" FROM public.movies m, unnest(m.countries) AS named JOIN {SCHEMA}.countries c ON c.name = named",
    "people": "SELECT id, source_id, name, birth_year::integer, death_year::integer FROM public.people",
    "credits": "SELECT m.id AS movie_id, c.ordering, p.id AS person_id, c.category FROM public.credits c"
    " JOIN public.movies m ON m.source_id = c.title_id JOIN public.people p ON p.source_id = c.person_id",
}
