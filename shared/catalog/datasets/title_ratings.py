r"""IMDb's title.ratings: tab-separated, never quoted, `\N` is null.

Here and in IMDb's other files, the aliases are the column names of the SQLite copies that people make (imdb-sqlite).
"""

from shared.catalog.checks import NOT_NEGATIVE, TCONST, VOTE
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Decimal, Rule, Whole
from shared.catalog.tables.ratings import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="title.ratings",
    title="IMDb ratings",
    description="IMDb's official title.ratings.tsv(.gz): tab-separated, never quoted, \\N is null.",
    table=TABLE,
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
        Column("averageRating", "vote_average", Decimal(), "Mean of the votes, 0 to 10", (VOTE,), aliases=("rating",)),
        Column("numVotes", "vote_count", Whole(), "Number of votes", (NOT_NEGATIVE,), aliases=("votes",)),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
