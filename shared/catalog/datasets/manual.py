"""Movies that people enter one by one, with the fields of the table as columns; a file of them is one of this dataset
only if its client says so.
"""

from shared.catalog.checks import (
    KEY_TEXT,
    NOT_BLANK,
    NOT_NEGATIVE,
    RELEASE_DAY,
    RELEASE_YEAR,
    RUNTIME,
    VOTE,
    NotBefore,
)
from shared.catalog.dataset import Column, Dataset
from shared.catalog.release_fields import release_fields
from shared.catalog.rules.basic_rules import Decimal, Flag, IsoDate, Rule, Whole, Year
from shared.catalog.rules.list_rules import ListLiteral
from shared.catalog.tmdb_columns import LANGUAGE_CODE
from shared.catalog.write_mode import WriteMode

ENDS_BEFORE_START = NotBefore(
    code="ends_before_start", message="must not be before release_year", field="end_year", other="release_year"
)

DATASET = Dataset(
    name="manual",
    title="Movies entered by hand",
    description="Movies that people enter one by one. The columns are the fields of the table, in plain notation.",
    mode=WriteMode.UPSERT,
    is_hand_made=True,
    columns=(
        Column("title", "title", Rule(), "The title in common use", (NOT_BLANK,), required=True),
        Column("original_title", "original_title", Rule(), "Title in the original language"),
        Column("title_type", "title_type", Rule(), "movie, short, tvSeries, ..."),
        Column("original_language", "original_language", Rule(), "ISO 639 code", (LANGUAGE_CODE,)),
        Column("overview", "overview", Rule(), "Summary of the plot"),
        Column("release_date", "release_date", IsoDate(), "Day of the first release", (RELEASE_DAY,)),
        Column("release_year", "release_year", Year(), "Year of release; of a series, its first", (RELEASE_YEAR,)),
        Column("end_year", "end_year", Year(), "Last year of a series", (RELEASE_YEAR,)),
        Column("runtime", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
        Column("is_adult", "is_adult", Flag(), "Whether it is an adult title"),
        Column("budget", "budget", Whole(), "Production budget in US dollars", (NOT_NEGATIVE,)),
        Column("revenue", "revenue", Whole(), "Box office in US dollars", (NOT_NEGATIVE,)),
        Column("status", "status", Rule(), "State of the production"),
        Column("vote_average", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,)),
        Column("vote_count", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column("languages", "languages", ListLiteral(), "Spoken languages"),
        Column("genres", "genres", ListLiteral(), "Genres"),
        Column("countries", "countries", ListLiteral(), "Countries of production"),
        Column("homepage", "homepage", Rule(), "Web address"),
        Column("genre_id", "genre_id", Whole(), "Id of the first genre in its source", (NOT_NEGATIVE,)),
        Column(
            "production_company_id",
            "production_company_id",
            Whole(),
            "Id of the first production company in its source",
            (NOT_NEGATIVE,),
        ),
        Column("source_id", "source_id", Rule(), "Its id in the source", (KEY_TEXT,)),
    ),
    row_checks=(ENDS_BEFORE_START,),
    derive=release_fields,
)
