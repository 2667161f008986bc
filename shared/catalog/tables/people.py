"""People who make films, or are in them."""

from shared.catalog.search_words import keys_of, more_words, plain_texts
from shared.catalog.table import Breakdown, Field, Fields, FieldType, Group, Index, Reference, Table


def _derived(fields: Fields) -> Fields:
    names = fields["name"]
    words = plain_texts(names)
    return {"name_key": keys_of(words), "more_words": more_words(names, words)}


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
        Field("name_key", FieldType.TEXT, "`name` as search compares it, to sort by", is_internal=True),
        Field("more_words", FieldType.TEXT, "What else finds the person, see `search_words`", is_internal=True),
    ),
    key=("source_id",),
    indexes=(Index("name", ("name_key",)), Index("birth", ("birth_year",), leaves_out_null=True)),
    facets=("birth_year",),
    breakdowns=(Breakdown("profession", (Group("profession", "professions"),)),),
    words=("name_key", "more_words"),
    lists=("professions",),
    references=(Reference("known_for", "movies"),),
    derive=_derived,
)
