r"""IMDb's title.basics: tab-separated, never quoted, `\N` is null."""

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks import NOT_BLANK, RELEASE_YEAR, NotBefore, between, matches
from shared.datasets.dataset import Column, Dataset
from shared.datasets.rules import CommaList, Flag, Rule, Whole, Year

TCONST = matches("invalid_tconst", r"tt\d+", "must be tt and digits")
ENDS_BEFORE_START = NotBefore(
    code="ends_before_start", message="must not be before startYear", field="end_year", other="release_year"
)


def derive_release(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_order` as yyyy0000: only the year is known."""
    return {"release_order": pc.multiply(fields["release_year"].cast(pa.int32()), 10_000)}


DATASET = Dataset(
    name="title.basics",
    title="IMDb titles",
    description="IMDb's official title.basics.tsv(.gz): tab-separated, no quoting at all, \\N is null.",
    columns=(
        Column("tconst", "source_id", Rule(), "IMDb's id of the title", (TCONST,), required=True),
        Column("titleType", "title_type", Rule(), "movie, short, tvSeries, tvEpisode, video, ..."),
        Column("primaryTitle", "title", Rule(), "The title in common use", (NOT_BLANK,), required=True),
        Column("originalTitle", "original_title", Rule(), "Title in the original language"),
        Column("isAdult", "is_adult", Flag(), "1 for an adult title"),
        Column("startYear", "release_year", Year(), "Year of release; of a series, its first", (RELEASE_YEAR,)),
        Column("endYear", "end_year", Year(), "Last year of a series", (RELEASE_YEAR,)),
        Column("runtimeMinutes", "runtime", Whole(), "Length in minutes", (between(0, 60_000),)),
        Column("genres", "genres", CommaList(), "Up to three genres"),
    ),
    nulls=("\\N", ""),
    quoting=False,
    row_checks=(ENDS_BEFORE_START,),
    derive=derive_release,
)
