"""Hierarchical reports."""

from typing import Literal

from pydantic import BaseModel, Field


class EpisodeNode(BaseModel):
    """An episode of a series."""

    level: Literal["episode"]
    id: int | None = Field(description="The movie's own id; null if it is not loaded.")
    source_id: str = Field(examples=["tt1480055"])
    series_id: str = Field(description="The title that it names as its series.", examples=["tt0944947"])
    title: str | None = Field(examples=["Winter Is Coming"])
    title_type: str | None = Field(examples=["tvEpisode"])
    release_year: int | None = Field(examples=[2011])
    season_number: int | None = Field(examples=[1])
    episode_number: int | None = Field(examples=[1])
    vote_average: float | None = Field(examples=[8.9])
    vote_count: int | None = Field(examples=[56000])
    runtime: int | None = Field(description="Minutes.", examples=[62])


class SeasonNode(BaseModel):
    """A season: the sums of its episodes, null where none of them has a value."""

    level: Literal["season"]
    season_number: int | None = Field(description="Null for the episodes whose season is unknown.", examples=[1])
    episodes: int = Field(examples=[10])
    vote_average: float | None = Field(
        description="The mean of the episodes' votes, weighted by their counts, to four decimals.", examples=[8.9731]
    )
    vote_count: int | None = Field(examples=[480000])
    runtime: int | None = Field(description="Minutes.", examples=[562])
    children: list[EpisodeNode]


class SeriesReport(BaseModel):
    """A series: the sums of all its episodes, and the votes for the series itself (`own_`)."""

    level: Literal["series"]
    id: int | None = Field(description="The movie's own id; null if it is not loaded.")
    source_id: str | None = Field(examples=["tt0944947"])
    title: str | None = Field(examples=["Game of Thrones"])
    title_type: str | None = Field(examples=["tvSeries"])
    release_year: int | None = Field(examples=[2011])
    own_vote_average: float | None = Field(examples=[9.2])
    own_vote_count: int | None = Field(examples=[2400000])
    episodes: int = Field(examples=[73])
    vote_average: float | None = Field(examples=[8.7421])
    vote_count: int | None = Field(examples=[5300000])
    runtime: int | None = Field(description="Minutes.", examples=[4216])
    children: list[SeasonNode]
