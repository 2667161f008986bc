"""The mean of all votes for a title."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="ratings",
    description="Mean and number of the votes for titles",
    fields=(
        Field("vote_count", FieldType.BIGINT, "Number of votes"),
        Field("vote_average", FieldType.DOUBLE, "Mean of the votes, 0 to 10"),
        Field("source_id", FieldType.TEXT, "The title's id in the source of the file", required=True),
    ),
    key=("source_id",),
    indexes=(
        Index("votes", ("vote_count",)),
        Index("vote", ("vote_average",)),
    ),
    references=(Reference("source_id", "movies"),),
)
