"""Numbers of movies, of uploads, and of what they have rejected; the report of genres."""

from datetime import date

from pydantic import BaseModel, Field


class NamedCount(BaseModel):
    """How many visible movies have this genre or country. A name is what the file says: `drama` is not `Drama`."""

    name: str = Field(examples=["Drama"])
    movies: int = Field(examples=[2_841])


class NamedCounts(BaseModel):
    """Genres or countries."""

    items: list[NamedCount]
    is_complete: bool = Field(description="False if there are more; these are the first ones in the order.")


class RejectedByCode(BaseModel):
    """How many records are rejected with this code as their first reason."""

    code: str = Field(examples=["required"])
    records: int = Field(examples=[12])


class LoadsOfDay(BaseModel):
    """What was loaded on a day, in UTC, by uploads that are still completed."""

    day: date = Field(examples=["2026-11-28"])
    uploads: int = Field(examples=[3])
    loaded: int = Field(description="Records that they have loaded, corrected ones included.", examples=[9_837])
    rejected: int = Field(description="Records that they have rejected.", examples=[12])


class YearCount(BaseModel):
    """How many movies are of a year."""

    year: int | None = Field(description="null: unknown", examples=[1995])
    movies: int


class RatingCount(BaseModel):
    """How many movies have a mean vote from `rating` to less than one more."""

    rating: int = Field(examples=[7])
    movies: int


class TypeCount(BaseModel):
    """How many movies are of a type."""

    title_type: str = Field(examples=["movie"])
    movies: int


class MovieFigures(BaseModel):
    """How many visible movies a dataset has, by what they are."""

    by_year: list[YearCount]
    by_genre: list[NamedCount] = Field(description="Up to 1,000, the most frequent first.")
    by_rating: list[RatingCount]
    by_type: list[TypeCount] = Field(description="Up to 1,000, the most frequent first.")


class DatasetFigures(BaseModel):
    """The figures of one dataset of the tenant."""

    dataset: str = Field(examples=["movies"])
    rows: int = Field(description="Visible rows.", examples=[9_837])
    uploads: dict[str, int] = Field(description="How many uploads are in which state.", examples=[{"completed": 3}])
    rejected: list[RejectedByCode] = Field(
        description="Of the uploads whose rows are visible: how many records are rejected, by their first reason."
    )
    loads: list[LoadsOfDay] = Field(description="The last 366 days; those without loads are left out.")
    movies: MovieFigures | None = Field(description="null if its rows are no movies.")


class Figures(BaseModel):
    """The figures of a tenant."""

    items: list[DatasetFigures]


class RankedMovie(BaseModel):
    """A movie with many votes."""

    id: int = Field(examples=[73014444047])
    title: str = Field(examples=["Metropolis"])
    release_year: int | None = Field(examples=[1927])
    vote_count: int = Field(examples=[2_614])
    source_id: str | None = Field(examples=["tt0017136"])


class ReportedDecade(BaseModel):
    """The movies of a genre and a decade."""

    decade: int | None = Field(description="Its first year; null: unknown.", examples=[1920])
    movies: int = Field(examples=[117])
    top: list[RankedMovie] = Field(description="Those with the most votes, if `genre` is given.")


class ReportedGenre(BaseModel):
    """The movies of a genre."""

    genre: str = Field(examples=["Drama"])
    movies: int = Field(description="The sum over its decades.", examples=[2_841])
    decades: list[ReportedDecade]


class GenreReport(BaseModel):
    """Genres, their decades, the movies of these."""

    genres: list[ReportedGenre]
    is_complete: bool = Field(description="False if there are more genres and decades than one answer has.")
