"""What a search finds."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class MovieHit(BaseModel):
    """A movie or another title. The votes are its own, or those of the table of ratings."""

    type: Literal["movie"]
    id: int = Field(examples=[4503599627370498])
    source_id: str | None = Field(examples=["tt0017136"])
    title: str = Field(examples=["Metropolis"])
    original_title: str | None = Field(examples=["Metropolis"])
    title_type: str | None = Field(examples=["movie"])
    release_year: int | None = Field(examples=[1927])
    genres: list[str] | None = Field(examples=[["Drama", "Sci-Fi"]])
    vote_average: float | None = Field(examples=[8.3])
    vote_count: int | None = Field(examples=[190000])


class PersonHit(BaseModel):
    """Somebody who makes films, or is in them."""

    type: Literal["person"]
    id: int = Field(examples=[4503599644147714])
    source_id: str = Field(examples=["nm0000485"])
    name: str = Field(examples=["Fritz Lang"])
    birth_year: int | None = Field(examples=[1890])
    death_year: int | None = Field(examples=[1976])
    professions: list[str] | None = Field(examples=[["director", "writer"]])


class GenreHit(BaseModel):
    """A genre, and how many movies have it."""

    type: Literal["genre"]
    name: str = Field(examples=["Drama"])
    movies: int = Field(examples=[3200000])


Hit = Annotated[MovieHit | PersonHit | GenreHit, Field(discriminator="type")]


class SearchPage(BaseModel):
    """A page of hits, best first."""

    items: list[Hit]
    total: int = Field(description="How many hits there are; at least so many, if it is not exact.", examples=[1])
    total_is_exact: bool = Field(
        description="False if many match, of which the best are ranked, or if rows have no index yet."
    )
    corrected: str | None = Field(
        description="The text that was searched instead, because nothing has the words as they were typed.",
        examples=["metropolis"],
    )
    page: int = Field(examples=[1])
    page_size: int = Field(examples=[20])
