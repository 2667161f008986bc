r"""IMDb's title.crew: tab-separated, never quoted, `\N` is null."""

from shared.catalog.checks import TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.rules.list_rules import IdList
from shared.catalog.tables.crew import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="title.crew",
    title="IMDb directors and writers",
    description="IMDb's official title.crew.tsv(.gz): tab-separated, never quoted, \\N is null.",
    table=TABLE,
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column("tconst", "title_id", Rule(), "IMDb's id of the title", (TCONST,), required=True, is_key=True),
        Column("directors", "directors", IdList("nm"), "IMDb's ids of the directors"),
        Column("writers", "writers", IdList("nm"), "IMDb's ids of the writers"),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
