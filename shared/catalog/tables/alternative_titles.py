"""What a title is called elsewhere, or was called before."""

from shared.catalog.table import Field, FieldType, Reference, Table

TABLE = Table(
    name="alternative_titles",
    description="What a title is called in other regions and languages, or on other occasions",
    fields=(
        Field("ordering", FieldType.INTEGER, "Number of the row among those of its title", required=True),
        Field("is_original", FieldType.BOOLEAN, "Whether it is the original title"),
        Field("title_id", FieldType.TEXT, "The title's id in the source of the file", required=True),
        Field("title", FieldType.TEXT, "The title as it is called there", required=True),
        Field("region", FieldType.TEXT, "Code of the region"),
        Field("language", FieldType.TEXT, "Code of the language"),
        Field("types", FieldType.TEXTS, "alternative, dvd, festival, tv, video, working, original, imdbDisplay"),
        Field("attributes", FieldType.TEXTS, "What else is to be said of it"),
    ),
    key=("title_id", "ordering"),
    references=(Reference("title_id", "movies"),),
)
