"""What single users think of films."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="user_ratings",
    description="How single users have rated films",
    fields=(
        Field("rating", FieldType.DOUBLE, "Stars, 0.5 to 5", required=True),
        Field("rated_at", FieldType.TIMESTAMP, "When the user rated the film"),
        Field("user_id", FieldType.TEXT, "The user's id in the source of the file", required=True),
        Field("movie_id", FieldType.TEXT, "The film's id in the source of the file", required=True),
    ),
    key=("user_id", "movie_id"),
    indexes=(
        Index("user", ("user_id", "rated_at")),
        Index("movie", ("movie_id", "rating")),
    ),
    references=(Reference("movie_id", "movies"),),
)
