"""What belongs to a movie: ratings, credits, other titles, episodes; movies by their ids in the source."""

from pydantic import BaseModel, Field


class Ratings(BaseModel):
    """The votes for a title."""

    vote_average: float | None = Field(examples=[8.3])
    vote_count: int | None = Field(examples=[193000])
    source: str = Field(
        description="The dataset that they come from: the movie's own, or one of ratings.", examples=["title.ratings"]
    )


class CreditedPerson(BaseModel):
    """One credit of a title."""

    id: int | None = Field(description="The person's own id, if it is loaded: `GET /people/{id}`.")
    source_id: str | None = Field(examples=["nm0000485"])
    name: str | None = Field(description="Null if the person is not loaded.", examples=["Fritz Lang"])
    ordering: int = Field(description="Number of the credit among those of the title.", examples=[1])
    job: str | None
    characters: list[str] | None = Field(examples=[["Maria"]])


class Role(BaseModel):
    """The credits of one category, in their order."""

    category: str | None = Field(examples=["director"])
    total: int = Field(description="All credits of the category.", examples=[1])
    people: list[CreditedPerson]


class Credits(BaseModel):
    """Who made a title and is in it, by role; the roles are in the order of their first credits."""

    total: int = Field(description="All credits; `roles` has 200 at most.", examples=[10])
    roles: list[Role]


class AlternativeTitle(BaseModel):
    """What a title is called elsewhere."""

    title: str = Field(examples=["Metropolis"])
    region: str | None = Field(examples=["FR"])
    language: str | None
    types: list[str] | None = Field(examples=[["imdbDisplay"]])
    attributes: list[str] | None
    is_original: bool | None


class AlternativeTitles(BaseModel):
    """What a title is called elsewhere, in the order of the file."""

    total: int = Field(description="All of them; `items` has 100 at most.", examples=[42])
    items: list[AlternativeTitle]


class SeriesEpisodes(BaseModel):
    """The episodes of a series."""

    seasons: int = Field(description="Seasons whose numbers are known.", examples=[8])
    total: int = Field(description="Episodes.", examples=[73])
    report: str = Field(
        description="The address of the report of the series.", examples=["/api/v1/reports/series/73014444047"]
    )


class EpisodeOf(BaseModel):
    """The series that a title is an episode of."""

    id: int | None = Field(description="The series' own id, if it is loaded.")
    source_id: str = Field(examples=["tt0944947"])
    title: str | None = Field(description="Null if the series is not loaded.")
    season_number: int | None = Field(examples=[1])
    episode_number: int | None = Field(examples=[9])


class ReferredMovie(BaseModel):
    """A title that a row names by its id in the source; all else is null if it is not loaded."""

    id: int | None = Field(description="Its own id: `GET /movies/{id}`.", examples=[73014444047])
    source_id: str = Field(examples=["tt0017136"])
    title: str | None = Field(examples=["Metropolis"])
    title_type: str | None = Field(examples=["movie"])
    release_year: int | None = Field(examples=[1927])
