"""Words that single users have put on films."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="tags",
    description="Words that single users have put on films",
    fields=(
        Field("tagged_at", FieldType.TIMESTAMP, "When the user did so", required=True),
        Field("user_id", FieldType.TEXT, "The user's id in the source of the file", required=True),
        Field("movie_id", FieldType.TEXT, "The film's id in the source of the file", required=True),
        Field("tag", FieldType.TEXT, "A word or a few", required=True),
    ),
    key=("user_id", "movie_id", "tag", "tagged_at"),
    indexes=(
        Index("movie", ("movie_id", "tagged_at")),
        Index("user", ("user_id", "tagged_at")),
    ),
    references=(Reference("movie_id", "movies"),),
)
