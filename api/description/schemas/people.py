"""People, and what they were credited for."""

from typing import Any

from pydantic import BaseModel, Field

from api.description.schemas.movie_details import ReferredMovie


class Person(BaseModel):
    """One loaded record of a person; null means unknown."""

    id: int = Field(examples=[73014444050])
    source_id: str = Field(description="The key in the source, IMDb's nconst.", examples=["nm0000485"])
    name: str = Field(examples=["Fritz Lang"])
    birth_year: int | None = Field(examples=[1890])
    death_year: int | None = Field(examples=[1976])
    professions: list[str] | None = Field(examples=[["director", "writer"]])
    known_for: list[str] | None = Field(description="Ids of titles in the source.", examples=[["tt0017136"]])
    tenant: str = Field(examples=["public"])
    extra: dict[str, Any] | None = Field(description="Columns of the file that the dataset does not define.")


class PersonDetail(BaseModel):
    """A person, with the titles that it is known for."""

    id: int = Field(examples=[73014444050])
    source_id: str = Field(description="The key in the source, IMDb's nconst.", examples=["nm0000485"])
    name: str = Field(examples=["Fritz Lang"])
    birth_year: int | None = Field(examples=[1890])
    death_year: int | None = Field(examples=[1976])
    professions: list[str] | None = Field(examples=[["director", "writer"]])
    known_for: list[ReferredMovie]
    tenant: str = Field(examples=["public"])
    extra: dict[str, Any] | None = Field(description="Columns of the file that the dataset does not define.")


class PeoplePage(BaseModel):
    """A page of people in the order of their ids, or of their names."""

    items: list[Person]
    total: int = Field(description="How many people there are; at least so many if `total_is_exact` is false.")
    total_is_exact: bool
    page_size: int
    next_cursor: str | None


class PersonCredit(BaseModel):
    """A title that a person was credited for."""

    movie: ReferredMovie
    category: str | None = Field(examples=["director"])
    job: str | None
    characters: list[str] | None
    vote_average: float | None = Field(examples=[8.3])
    vote_count: int | None = Field(examples=[193000])


class PersonMoviesPage(BaseModel):
    """A page of a person's credits in the order in which they were loaded."""

    items: list[PersonCredit]
    total: int | None = Field(description="All credits; null if they are more than 1,000.", examples=[59])
    page_size: int
    next_cursor: str | None
