r"""IMDb's title.basics: tab-separated, never quoted, `\N` is null."""

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets import checks
from shared.datasets.dataset import Column, Dataset, RowRule
from shared.datasets.movies import LONGEST_RUNTIME_MINUTES
from shared.datasets.rules import CommaList, Flag, Rule, Whole, Year

ENDS_BEFORE_START = RowRule("ends_before_start", "must not be before startYear", "end_year")


def derive_release(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_order` as yyyy0000: only the year is known."""
    return {"release_order": pc.multiply(fields["release_year"].cast(pa.int32()), 10_000)}


def _ends_after_start(frame: pd.DataFrame) -> "pd.Series[bool]":
    return ~(frame["end_year"] < frame["release_year"])


DATASET = Dataset(
    name="title.basics",
    title="IMDb titles",
    description="IMDb's official title.basics.tsv(.gz): tab-separated, no quoting at all, \\N is null.",
    columns=(
        Column("tconst", "source_id", Rule(), "IMDb's id of the title"),
        Column("titleType", "title_type", Rule(), "movie, short, tvSeries, tvEpisode, video, ..."),
        Column("primaryTitle", "title", Rule(), "The title in common use"),
        Column("originalTitle", "original_title", Rule(), "Title in the original language"),
        Column("isAdult", "is_adult", Flag(), "1 for an adult title"),
        Column("startYear", "release_year", Year(), "Year of release; of a series, its first"),
        Column("endYear", "end_year", Year(), "Last year of a series"),
        Column("runtimeMinutes", "runtime", Whole(), "Length in minutes"),
        Column("genres", "genres", CommaList(), "Up to three genres"),
    ),
    schema=pandera.DataFrameSchema(
        {
            "source_id": pandera.Column(
                str, [checks.matches("invalid_tconst", r"tt\d+", "must be tt and digits")], nullable=False
            ),
            "title": checks.required_text(),
            "release_year": checks.number(checks.release_year()),
            "end_year": checks.number(checks.release_year()),
            "runtime": checks.number(checks.between(0, LONGEST_RUNTIME_MINUTES)),
        },
        checks=[pandera.Check(_ends_after_start, name=ENDS_BEFORE_START.code, error=ENDS_BEFORE_START.message)],
    ),
    row_rules=(ENDS_BEFORE_START,),
    derive=derive_release,
)
