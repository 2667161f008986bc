"""What a title is called elsewhere, or was called before."""

from shared.catalog.search_words import keys_of, more_words, plain_texts
from shared.catalog.table import Field, Fields, FieldType, Index, Reference, Table


def _derived(fields: Fields) -> Fields:
    titles = fields["title"]
    words = plain_texts(titles)
    return {"title_key": keys_of(words), "more_words": more_words(titles, words)}


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
        Field("title_key", FieldType.TEXT, "`title` as search compares it", is_internal=True),
        Field("more_words", FieldType.TEXT, "What else finds it, see `search_words`", is_internal=True),
    ),
    key=("title_id", "ordering"),
    indexes=(Index("title", ("title_key",)),),
    words=("title_key", "more_words"),
    references=(Reference("title_id", "movies"),),
    derive=_derived,
)
