"""Episodes of series: which title is which episode."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="episodes",
    description="Which title is which episode of a series",
    fields=(
        Field("season_number", FieldType.INTEGER, "Number of the season"),
        Field("episode_number", FieldType.INTEGER, "Number of the episode in its season"),
        Field("source_id", FieldType.TEXT, "The episode's id in the source of the file", required=True),
        Field("series_id", FieldType.TEXT, "The series' id in the source of the file"),
    ),
    key=("source_id",),
    indexes=(Index("series", ("series_id", "season_number", "episode_number"), leaves_out_null=True),),
    references=(Reference("source_id", "movies"), Reference("series_id", "movies")),
)
