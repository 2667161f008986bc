"""TMDB movies with fifteen columns: amounts written `30000000.0`, languages as a Python list literal."""

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks import NOT_BLANK, NOT_NEGATIVE, RELEASE_DAY, between, matches, one_of
from shared.datasets.dataset import Column, Dataset
from shared.datasets.rules import Decimal, IsoDate, ListLiteral, Rule, Whole

LANGUAGE_CODE = matches("invalid_language", "[a-z]{2,3}", "must be two or three lower-case letters")
RUNTIME = between(0, 60_000)
STATUS = one_of("unknown_status", ("Rumored", "Planned", "In Production", "Post Production", "Released", "Canceled"))


def derive_release(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`release_year`, and `release_order` as yyyymmdd, from `release_date`."""
    day = fields["release_date"]
    year = pc.year(day)
    order = pc.add(pc.multiply(year, 10_000), pc.add(pc.multiply(pc.month(day), 100), pc.day(day)))
    return {"release_year": year.cast(pa.int16()), "release_order": order.cast(pa.int32())}


DATASET = Dataset(
    name="movies",
    title="TMDB movies",
    description="One film a row, CSV with quotes; an empty cell is null. Amounts may be written like 30000000.0.",
    columns=(
        Column("budget", "budget", Whole(), "Production budget in US dollars", (NOT_NEGATIVE,)),
        Column("homepage", "homepage", Rule(), "Web address"),
        Column("original_language", "original_language", Rule(), "ISO 639 code", (LANGUAGE_CODE,)),
        Column("original_title", "original_title", Rule(), "Title in the original language"),
        Column("overview", "overview", Rule(), "Summary of the plot"),
        Column("release_date", "release_date", IsoDate(), "Day of the first release", (RELEASE_DAY,)),
        Column("revenue", "revenue", Whole(), "Box office in US dollars", (NOT_NEGATIVE,)),
        Column("runtime", "runtime", Whole(), "Length in minutes", (RUNTIME,)),
        Column("status", "status", Rule(), "State of the production", (STATUS,)),
        Column("title", "title", Rule(), "Title in English", (NOT_BLANK,), required=True),
        Column("vote_average", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (between(0, 10),)),
        Column("vote_count", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,)),
        Column(
            "production_company_id", "production_company_id", Whole(), "TMDB's id of the first company", (NOT_NEGATIVE,)
        ),
        Column("genre_id", "genre_id", Whole(), "TMDB's id of the first genre", (NOT_NEGATIVE,)),
        Column("languages", "languages", ListLiteral(), "Names of the spoken languages"),
    ),
    derive=derive_release,
)
