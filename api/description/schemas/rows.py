"""Rows of any table, and movies."""

import uuid
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.description.schemas.movie_details import AlternativeTitles, Credits, EpisodeOf, Ratings, SeriesEpisodes


class RowPage(BaseModel):
    """A page of rows: each with its fields, `_id`, `_upload_id`, `_line` and `_extra`."""

    items: list[dict[str, Any]]
    total: int
    page_size: int
    next_cursor: str | None


class DanglingRows(BaseModel):
    """How many rows have a value of `field` that is the `target_field` of no row in `table`."""

    field: str = Field(examples=["title_id"])
    table: str = Field(examples=["movies"])
    target_field: str = Field(examples=["source_id"])
    dangling: int = Field(description="Of a field with several values: rows with any such value.", examples=[12])


class References(BaseModel):
    """The references of a dataset's table to other tables."""

    items: list[DanglingRows]


class Movie(BaseModel):
    """One loaded record; null means unknown."""

    id: int = Field(examples=[73014444047])
    title: str = Field(examples=["Metropolis"])
    original_title: str | None = Field(examples=["Metropolis"])
    title_type: str | None = Field(examples=["movie"])
    original_language: str | None = Field(examples=["de"])
    overview: str | None
    release_date: date | None = Field(examples=["1927-01-10"])
    release_year: int | None = Field(examples=[1927])
    end_year: int | None
    runtime: int | None = Field(description="Minutes.", examples=[153])
    is_adult: bool | None
    budget: int | None
    revenue: int | None
    status: str | None = Field(examples=["Released"])
    vote_average: float | None = Field(examples=[8.1])
    vote_count: int | None
    languages: list[str] | None
    genres: list[str] | None
    countries: list[str] | None = Field(description="Countries of production.", examples=[["Germany"]])
    homepage: str | None
    genre_id: int | None
    production_company_id: int | None
    source_id: str | None = Field(
        description="The key in the source, for example IMDb's tconst.", examples=["tt0017136"]
    )
    tenant: str = Field(examples=["public"])
    extra: dict[str, Any] | None = Field(description="Columns of the file that the dataset does not define.")


class MovieSource(BaseModel):
    """The line of the upload that a movie came from."""

    upload_id: uuid.UUID
    upload_number: int
    filename: str
    line_number: int


class MovieDetail(Movie):
    """A movie, its source, and what belongs to it in files of the same publisher."""

    source: MovieSource
    ratings: Ratings | None
    credits: Credits
    alternative_titles: AlternativeTitles
    episodes: SeriesEpisodes | None = Field(description="Of a series; else null.")
    episode_of: EpisodeOf | None = Field(description="Of an episode; else null.")


class MovieOfDataset(Movie):
    """A movie, and the dataset that it was loaded as."""

    dataset: str = Field(examples=["title.basics"])


class MoviesBySource(BaseModel):
    """The movies with one id of the source, the latest first."""

    items: list[MovieOfDataset]
    total: int = Field(description="All of them; `items` has 100 at most.", examples=[1])


class ListedMovie(Movie):
    """A movie with its votes, of its own file or else of a file of ratings."""

    rating_source: str | None = Field(
        description="The dataset that `vote_average` and `vote_count` come from; null if there are no votes.",
        examples=["title.ratings"],
    )


class MoviePage(BaseModel):
    """A page of movies in the requested order."""

    items: list[ListedMovie]
    total: int = Field(description="How many movies there are; at least so many if `total_is_exact` is false.")
    total_is_exact: bool = Field(
        description="False only with filters whose movies nothing counts, such as `title` or two of `genre`, `country`"
        " and `title_type` together, if they are many.",
        examples=[True],
    )
    page: int
    page_size: int
    next_cursor: str | None
