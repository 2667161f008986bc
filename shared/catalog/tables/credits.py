"""Who did what for a title: one row for each credit."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="credits",
    description="Who did what for a title, one row for each credit",
    fields=(
        Field("ordering", FieldType.INTEGER, "Number of the credit among those of its title", required=True),
        Field("title_id", FieldType.TEXT, "The title's id in the source of the file", required=True),
        Field("person_id", FieldType.TEXT, "The person's id in the source of the file"),
        Field("category", FieldType.TEXT, "actor, director, producer, ..."),
        Field("job", FieldType.TEXT, "What the person did, if the category does not say it"),
        Field("characters", FieldType.TEXTS, "Names of the characters"),
    ),
    key=("title_id", "ordering"),
    indexes=(Index("person", ("person_id",), leaves_out_null=True),),
    references=(Reference("title_id", "movies"), Reference("person_id", "people")),
)
