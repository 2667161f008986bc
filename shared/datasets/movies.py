"""TMDB movies with fifteen columns: amounts written `30000000.0`, languages as a Python list literal."""

import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets import checks
from shared.datasets.dataset import Column, Dataset
from shared.datasets.rules import Decimal, IsoDate, ListLiteral, Rule, Whole

STATUSES = ("Rumored", "Planned", "In Production", "Post Production", "Released", "Canceled")
LONGEST_RUNTIME_MINUTES = 60_000


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
        Column("budget", "budget", Whole(), "Production budget in US dollars"),
        Column("homepage", "homepage", Rule(), "Web address"),
        Column("original_language", "original_language", Rule(), "ISO 639 code"),
        Column("original_title", "original_title", Rule(), "Title in the original language"),
        Column("overview", "overview", Rule(), "Summary of the plot"),
        Column("release_date", "release_date", IsoDate(), "Day of the first release"),
        Column("revenue", "revenue", Whole(), "Box office in US dollars"),
        Column("runtime", "runtime", Whole(), "Length in minutes"),
        Column("status", "status", Rule(), "State of the production"),
        Column("title", "title", Rule(), "Title in English"),
        Column("vote_average", "vote_average", Decimal(), "Mean of the votes, 0 to 10"),
        Column("vote_count", "vote_count", Whole(), "Number of votes"),
        Column("production_company_id", "production_company_id", Whole(), "TMDB's id of the first company"),
        Column("genre_id", "genre_id", Whole(), "TMDB's id of the first genre"),
        Column("languages", "languages", ListLiteral(), "Names of the spoken languages"),
    ),
    schema=pandera.DataFrameSchema(
        {
            "budget": checks.number(checks.not_negative()),
            "original_language": checks.text(
                checks.matches("invalid_language", "[a-z]{2,3}", "must be two or three lower-case letters")
            ),
            "release_date": checks.day(checks.release_day()),
            "revenue": checks.number(checks.not_negative()),
            "runtime": checks.number(checks.between(0, LONGEST_RUNTIME_MINUTES)),
            "status": checks.text(checks.one_of("unknown_status", STATUSES)),
            "title": checks.required_text(),
            "vote_average": checks.number(checks.between(0, 10)),
            "vote_count": checks.number(checks.not_negative()),
            "production_company_id": checks.number(checks.not_negative()),
            "genre_id": checks.number(checks.not_negative()),
        }
    ),
    derive=derive_release,
)
