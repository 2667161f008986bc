"""Movies and other titles, of any dataset."""

from shared.catalog.language_codes import language_numbers
from shared.catalog.search_words import keys_of, more_words, plain_texts
from shared.catalog.table import Breakdown, Field, Fields, FieldType, Group, Index, Table


def _derived(fields: Fields) -> Fields:
    titles = fields["title"]
    words = plain_texts(titles)
    more = more_words(titles, words, fields.get("original_title"))
    codes = fields.get("original_language")
    languages = {} if codes is None else {"language_number": language_numbers(codes)}
    return {"title_key": keys_of(words), "more_words": more, **languages}


TABLE = Table(
    name="movies",
    description="Movies and other titles",
    fields=(
        Field("budget", FieldType.BIGINT, "Production budget in US dollars"),
        Field("revenue", FieldType.BIGINT, "Box office in US dollars"),
        Field("vote_count", FieldType.BIGINT, "Number of votes"),
        Field("genre_id", FieldType.BIGINT, "Id of the first genre in its source"),
        Field("production_company_id", FieldType.BIGINT, "Id of the first production company in its source"),
        Field("vote_average", FieldType.DOUBLE, "Mean of the votes, 0 to 10"),
        Field("runtime", FieldType.INTEGER, "Length in minutes"),
        Field("release_date", FieldType.DATE, "Day of the first release"),
        Field(
            "release_order",
            FieldType.INTEGER,
            "yyyymmdd, with 0000 for month and day if only the year is known: one key that sorts both by release",
        ),
        Field("release_year", FieldType.SMALLINT, "Year of release; of a series, its first"),
        Field(
            "language_number", FieldType.SMALLINT, "`original_language` as a number, for the indexes", is_internal=True
        ),
        Field("end_year", FieldType.SMALLINT, "Last year of a series"),
        Field("is_adult", FieldType.BOOLEAN, "Whether it is an adult title"),
        Field("title", FieldType.TEXT, "The title in common use", required=True),
        Field("original_title", FieldType.TEXT, "Title in the original language"),
        Field("title_type", FieldType.TEXT, "movie, short, tvSeries, ..."),
        Field("original_language", FieldType.TEXT, "Code of the original language"),
        Field("status", FieldType.TEXT, "State of the production"),
        Field("source_id", FieldType.TEXT, "Its id in the source of the file"),
        Field("homepage", FieldType.TEXT, "Web address"),
        Field("overview", FieldType.TEXT, "Summary of the plot"),
        Field("languages", FieldType.TEXTS, "Spoken languages"),
        Field("genres", FieldType.TEXTS, "Genres"),
        Field("countries", FieldType.TEXTS, "Countries of production"),
        Field("title_key", FieldType.TEXT, "`title` as search compares it, to sort by", is_internal=True),
        Field("more_words", FieldType.TEXT, "What else finds it, see `search_words`", is_internal=True),
    ),
    key=("source_id",),
    indexes=(
        Index("language_vote", ("language_number", "vote_average"), leaves_out_null=True),
        Index("language_release", ("language_number", "release_order"), leaves_out_null=True),
        Index("year_vote", ("release_year", "vote_average"), leaves_out_null=True),
        Index("title", ("title_key",)),
        Index("vote", ("vote_average",)),
        Index("votes", ("vote_count",)),
        Index("runtime", ("runtime",)),
        Index("release", ("release_order",)),
    ),
    facets=("release_year", "original_language"),
    breakdowns=(
        Breakdown("genre", (Group("genre", "genres"), Group("decade", "release_year", step=10))),
        Breakdown("country", (Group("country", "countries"),)),
        Breakdown("title_type", (Group("title_type", "title_type"),)),
        Breakdown("rating", (Group("rating", "vote_average", step=1),)),
    ),
    words=("title_key", "more_words"),
    long_texts=("overview",),
    lists=("genres", "countries"),
    late_indexes=(Index("type_title", ("title_type", "title_key")),),
    derive=_derived,
)
