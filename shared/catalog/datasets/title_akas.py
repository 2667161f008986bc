r"""IMDb's title.akas: tab-separated, never quoted, `\N` is null; types and attributes separated by \x02."""

from shared.catalog.checks import NOT_BLANK, ORDINAL, TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Flag, Rule, Whole
from shared.catalog.rules.list_rules import ControlList
from shared.catalog.tables.alternative_titles import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="title.akas",
    title="IMDb alternative titles",
    description="IMDb's official title.akas.tsv(.gz): never quoted, \\N is null, lists separated by U+0002.",
    table=TABLE,
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column("titleId", "title_id", Rule(), "IMDb's id of the title", (TCONST,), required=True, is_key=True),
        Column(
            "ordering",
            "ordering",
            Whole(),
            "Number of the row among those of its title",
            (ORDINAL,),
            required=True,
            is_key=True,
        ),
        Column("title", "title", Rule(), "The title as it is called there", (NOT_BLANK,), required=True),
        Column("region", "region", Rule(), "Code of the region"),
        Column("language", "language", Rule(), "Code of the language"),
        Column("types", "types", ControlList(), "alternative, dvd, festival, working, original, ..."),
        Column("attributes", "attributes", ControlList(), "What else is to be said of it"),
        Column("isOriginalTitle", "is_original", Flag(), "1 for the original title"),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
