"""The samples that make a small database of films together: IMDb's tables, whose rows refer to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "samples"


@dataclass(frozen=True)
class Sample:
    """A file. `first_record`: a filter that finds its first record among the rows of its dataset."""

    file: str
    dataset: str
    first_record: Mapping[str, str]

    @property
    def path(self) -> Path:
        """Where it is."""
        return DIRECTORY / self.file


SAMPLES: Final = (
    Sample("title.basics.tsv.gz", "title.basics", {"source_id": "tt0000001"}),
    Sample("made_up_titles.tsv", "title.basics", {"source_id": "tt9900001"}),
    Sample("name.basics.tsv", "name.basics", {"source_id": "nm9900001"}),
    Sample("title.ratings.tsv", "title.ratings", {"source_id": "tt9900001"}),
    Sample("title.crew.tsv", "title.crew", {"title_id": "tt9900001"}),
    Sample("title.principals.tsv", "title.principals", {"title_id": "tt9900001"}),
    Sample("title.episode.tsv", "title.episode", {"source_id": "tt9900101"}),
    Sample("title.akas.tsv", "title.akas", {"title_id": "tt9900001"}),
)
