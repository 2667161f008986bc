"""Datasets, built in and declared, with their tables."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.write_mode import WriteMode


class DatasetField(BaseModel):
    """A field of a table."""

    name: str
    type: str = Field(description="Its type, as a Table Schema calls it.", examples=["integer"])
    description: str


class RowTable(BaseModel):
    """Where the rows of a dataset land: what /rows can filter and sort by."""

    name: str = Field(examples=["movies"])
    fields: list[DatasetField]
    key: list[str] = Field(description="The fields that together identify a row. Empty: nothing does.")
    indexes: list[list[str]] = Field(description="The fields of each index, which serve filters and orders.")


class DatasetSummary(BaseModel):
    """One kind of file: its columns with their rules, and its table."""

    name: str = Field(examples=["title.basics"])
    title: str
    description: str
    is_declared: bool = Field(description="Whether the tenant has declared it. The others are built in.")
    mode: WriteMode = Field(description="What a file does to the rows before it, unless its upload says otherwise.")
    nulls: list[str] = Field(description="Cell texts that mean null.", examples=[["", "\\N"]])
    columns: list[dict[str, Any]]
    row_rules: list[dict[str, str]]
    table: RowTable


class Datasets(BaseModel):
    """The built-in datasets and those that the tenant has declared."""

    items: list[DatasetSummary]


class DeclarationBody(BaseModel):
    """A dataset: a name, a Table Schema (Frictionless), and which fields to index."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$",
        description="Its name, which no other dataset of the tenant has.",
        examples=["box_office"],
    )
    title: str = Field(default="", max_length=5_000)
    description: str = Field(default="", max_length=5_000)
    table_schema: dict[str, Any] = Field(
        alias="schema",
        description="A Table Schema: `fields` with `name`, `type`, `format` and `constraints`; `primaryKey`;"
        " `missingValues`.",
        examples=[{"fields": [{"name": "title"}, {"name": "gross", "type": "integer"}], "primaryKey": "title"}],
    )
    mode: WriteMode = Field(
        default=WriteMode.APPEND,
        description="What a file does to the rows before it, unless its upload says otherwise. `upsert` needs a"
        " `primaryKey`.",
    )
    indexes: list[str | list[str]] = Field(
        default=[], description="Which fields to index, each alone or several together.", examples=[["gross"]]
    )


class DatasetDetail(DatasetSummary):
    """A dataset with its Table Schema. That of a built-in one comes near it; its rules take more notations."""

    model_config = ConfigDict(populate_by_name=True)

    table_schema: dict[str, Any] = Field(alias="schema")
    version: int | None = Field(description="Grows with each change. Null for built-in datasets.", examples=[1])
