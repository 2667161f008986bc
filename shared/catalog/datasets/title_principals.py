r"""IMDb's title.principals: tab-separated, never quoted, `\N` is null; characters as a JSON list."""

from shared.catalog.checks import NCONST, ORDINAL, TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule, Whole
from shared.catalog.rules.list_rules import ListLiteral
from shared.catalog.tables.credits import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="title.principals",
    title="IMDb credits",
    description='IMDb\'s official title.principals.tsv(.gz): never quoted, \\N is null, characters like ["Herself"].',
    table=TABLE,
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column(
            "tconst",
            "title_id",
            Rule(),
            "IMDb's id of the title",
            (TCONST,),
            required=True,
            is_key=True,
            aliases=("title_id",),
        ),
        Column(
            "ordering",
            "ordering",
            Whole(),
            "Number of the credit among those of its title",
            (ORDINAL,),
            required=True,
            is_key=True,
        ),
        Column("nconst", "person_id", Rule(), "IMDb's id of the person", (NCONST,), aliases=("person_id",)),
        Column("category", "category", Rule(), "actor, director, producer, ..."),
        Column("job", "job", Rule(), "What the person did, if the category does not say it"),
        Column("characters", "characters", ListLiteral(), "Names of the characters"),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
