"""Shots: pictures of movies."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ShotLinks(BaseModel):
    """Addresses: of the picture itself, and of its movie."""

    self: str = Field(examples=["/api/v1/shots/0d0b4e8c-7a64-4b5a-9f27-6e3a3d0f2b11"])
    movie: str = Field(examples=["/api/v1/movies/73014444047"])


class Shot(BaseModel):
    """A picture of a movie, as it is stored: encoded anew, without metadata."""

    id: uuid.UUID
    movie_id: int = Field(examples=[73014444047])
    media_type: Literal["image/png", "image/jpeg", "image/webp"]
    width: int = Field(description="Pixels.", examples=[1920])
    height: int = Field(description="Pixels.", examples=[1080])
    size_bytes: int = Field(examples=[184320])
    sha256: str = Field(
        description="Of the stored bytes, which are not those that were sent.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    created_at: datetime
    links: ShotLinks


class Shots(BaseModel):
    """The shots of a movie, the oldest first, and how many there are."""

    items: list[Shot]
    total: int
