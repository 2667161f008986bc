"""People who make films, or are in them."""

from shared.catalog.table import Field, FieldType, Index, Reference, Table

TABLE = Table(
    name="people",
    description="People who make films, or are in them",
    fields=(
        Field("birth_year", FieldType.SMALLINT, "Year of birth"),
        Field("death_year", FieldType.SMALLINT, "Year of death"),
        Field("source_id", FieldType.TEXT, "The person's id in the source of the file", required=True),
        Field("name", FieldType.TEXT, "The name in common use", required=True),
        Field("professions", FieldType.TEXTS, "What the person mostly does"),
        Field("known_for", FieldType.TEXTS, "Ids of the titles that the person is known for"),
    ),
    key=("source_id",),
    # none by name: a name may be longer than an index allows
    indexes=(Index("birth", ("birth_year",), leaves_out_null=True),),
    facets=("birth_year",),
    references=(Reference("known_for", "movies"),),
)
