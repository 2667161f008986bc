"""The service itself: its tenants and its health."""

from typing import Literal

from pydantic import BaseModel, Field


class Tenant(BaseModel):
    """A tenant, with its number of uploads and of visible movies."""

    name: str = Field(examples=["public"])
    uploads: int
    movies: int


class Tenants(BaseModel):
    """The tenants of the key, or without keys all tenants with uploads."""

    items: list[Tenant]
    total: int


class Pong(BaseModel):
    """The API's process answers."""

    ping: Literal["pong"] = "pong"


class ServiceHealth(BaseModel):
    """The health of one service."""

    status: Literal["ok", "unavailable"]
    backend: str | None = Field(description="The kind of server that answered.", examples=["postgresql"])
    milliseconds: float


class Health(BaseModel):
    """The database and the broker answer."""

    status: Literal["ok"] = "ok"
    database: ServiceHealth
    broker: ServiceHealth
    warnings: list[str] = Field(
        description="What an operator should change before it does harm.",
        examples=[["max_locks_per_transaction is 64: queries over many partitions may fail."]],
    )


class DatabaseHealth(BaseModel):
    """The database answers."""

    status: Literal["ok"] = "ok"
    database: ServiceHealth
    revision: str | None = Field(description="Alembic revision; null before the first migration.")
    warnings: list[str] = Field(description="What an operator should change before it does harm.")
