"""Who made a title: one row for each title, with lists of people."""

from shared.catalog.table import Field, FieldType, Reference, Table

TABLE = Table(
    name="crew",
    description="Who made a title, one row for each title",
    fields=(
        Field("title_id", FieldType.TEXT, "The title's id in the source of the file", required=True),
        Field("title", FieldType.TEXT, "The title in common use"),
        Field("directors", FieldType.TEXTS, "Ids of the directors in the source of the file"),
        Field("writers", FieldType.TEXTS, "Ids of the writers in the source of the file"),
        Field("cast_names", FieldType.TEXTS, "Names of the cast, one for each credit"),
        Field("cast_ids", FieldType.TEXTS, "Their ids, in the same order"),
        Field("crew_names", FieldType.TEXTS, "Names of the crew, one for each credit"),
        Field("crew_ids", FieldType.TEXTS, "Their ids, in the same order"),
    ),
    key=("title_id",),
    references=(Reference("title_id", "movies"), Reference("directors", "people"), Reference("writers", "people")),
)
