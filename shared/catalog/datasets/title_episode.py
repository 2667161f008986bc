r"""IMDb's title.episode: tab-separated, never quoted, `\N` is null."""

from shared.catalog.checks import ORDINAL, TCONST
from shared.catalog.dataset import Column, Dataset
from shared.catalog.publisher import Publisher
from shared.catalog.rules.basic_rules import Rule, Whole
from shared.catalog.tables.episodes import TABLE
from shared.catalog.write_mode import WriteMode

DATASET = Dataset(
    name="title.episode",
    title="IMDb episodes",
    description="IMDb's official title.episode.tsv(.gz): tab-separated, never quoted, \\N is null.",
    table=TABLE,
    mode=WriteMode.REPLACE,
    publisher=Publisher.IMDB,
    columns=(
        Column(
            "tconst",
            "source_id",
            Rule(),
            "IMDb's id of the episode",
            (TCONST,),
            required=True,
            is_key=True,
            aliases=("episode_title_id",),
        ),
        Column("parentTconst", "series_id", Rule(), "IMDb's id of the series", (TCONST,), aliases=("show_title_id",)),
        Column("seasonNumber", "season_number", Whole(), "Number of the season", (ORDINAL,)),
        Column(
            "episodeNumber",
            "episode_number",
            Whole(),
            "Number of the episode in its season",
            (ORDINAL,),
            aliases=("eps_number",),
        ),
    ),
    nulls=("\\N", ""),
    quoting=False,
)
