"""Problem documents (RFC 9457)."""

from pydantic import BaseModel, Field


class FieldProblem(BaseModel):
    """One part of the request that is not valid."""

    location: str = Field(examples=["query.page_size"])
    message: str
    code: str
    hint: str | None = Field(default=None, description="What to write instead, if that is known.")


class Problem(BaseModel):
    """RFC 9457 problem document; a code may have further members of its own."""

    type: str = Field(
        description="Link to the explanation of the code, relative to the API's address.",
        examples=["/errors#not_found"],
        json_schema_extra={"format": "uri-reference"},
    )
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; programs can rely on it.", examples=["not_found"])
    trace_id: str
    errors: list[FieldProblem] | None = None
