r"""IMDb's title.basics: tab-separated, never quoted, `\N` is null.

The aliases are the column names of the SQLite copies that people make of it (imdb-sqlite).
"""

from shared.catalog.checks import NOT_BLANK, RELEASE_YEAR, RUNTIME, TCONST, NotBefore
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Flag, Rule, Whole, Year
from shared.catalog.rules.list_rules import CommaList
from shared.catalog.write_mode import WriteMode

ENDS_BEFORE_START = NotBefore(
    code="ends_before_start", message="must not be before startYear", field="end_year", other="release_year"
)

DATASET = Dataset(
    name="title.basics",
    title="IMDb titles",
    description="IMDb's official title.basics.tsv(.gz): tab-separated, never quoted, \\N is null.",
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column(
            "tconst",
            "source_id",
            Rule(),
            "IMDb's id of the title",
            (TCONST,),
            required=True,
            is_key=True,
            aliases=("title_id",),
        ),
        Column("titleType", "title_type", Rule(), "movie, short, tvSeries, tvEpisode, video, ...", aliases=("type",)),
        Column("primaryTitle", "title", Rule(), "The title in common use", (NOT_BLANK,), required=True),
        Column("originalTitle", "original_title", Rule(), "Title in the original language"),
        Column("isAdult", "is_adult", Flag(), "1 for an adult title"),
        Column(
            "startYear",
            "release_year",
            Year(),
            "Year of release; of a series, its first",
            (RELEASE_YEAR,),
            aliases=("premiered",),
        ),
        Column("endYear", "end_year", Year(), "Last year of a series", (RELEASE_YEAR,), aliases=("ended",)),
        Column("runtimeMinutes", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
        Column("genres", "genres", CommaList(), "Up to three genres"),
    ),
    nulls=("\\N", ""),
    quoting=False,
    row_checks=(ENDS_BEFORE_START,),
    derive=release_fields,
)
