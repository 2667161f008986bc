r"""IMDb's name.basics: tab-separated, never quoted, `\N` is null."""

from shared.catalog.checks import LIFE_YEAR, NCONST, NOT_BLANK
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.list_rules import CommaList, IdList
from shared.catalog.rules.publisher_rules import LifeYear
from shared.catalog.tables.people import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="name.basics",
    title="IMDb people",
    description="IMDb's official name.basics.tsv(.gz): tab-separated, never quoted, \\N is null.",
    table=TABLE,
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column(
            "nconst",
            "source_id",
            Rule(),
            "IMDb's id of the person",
            (NCONST,),
            required=True,
            is_key=True,
            aliases=("person_id",),
        ),
        Column(
            "primaryName",
            "name",
            Rule(),
            "The name in common use",
            (NOT_BLANK,),
            required=True,
            aliases=("name",),
        ),
        Column("birthYear", "birth_year", LifeYear(), "Year of birth", (LIFE_YEAR,), aliases=("born",)),
        Column("deathYear", "death_year", LifeYear(), "Year of death", (LIFE_YEAR,), aliases=("died",)),
        Column("primaryProfession", "professions", CommaList(), "Up to three professions"),
        Column("knownForTitles", "known_for", IdList("tt"), "IMDb's ids of the titles that the person is known for"),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
