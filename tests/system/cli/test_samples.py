"""The samples do what samples/README.md says of them."""

import re

import pytest

from stack.local import LocalStack
from tests.system.cli.programs import SAMPLES, run

FILES = [
    ("movies.csv", 247, 15),
    ("title.basics.tsv.gz", 170, 5),
    ("made_up_titles.tsv", 14, 0),
    ("movies_metadata.csv", 7, 0),
    ("tmdb_5000_movies.csv", 6, 0),
    ("tmdb_movies.csv", 5, 0),
    ("imdb_top_1000.csv", 7, 0),
    ("imdb_movie_data.csv", 6, 0),
    ("movielens.csv", 8, 0),
    ("film.csv", 5, 0),
    ("imdb_5000.csv", 4, 0),
    ("tmdb-movies.csv", 3, 0),
    ("mymoviedb.csv", 3, 0),
    ("netflix_titles.csv", 3, 0),
    ("bechdel.csv", 3, 0),
    ("u.item", 4, 0),
    ("films.csv", 4, 0),
    ("title.ratings.tsv", 8, 0),
    ("name.basics.tsv", 7, 0),
    ("title.principals.tsv", 8, 0),
    ("title.crew.tsv", 6, 0),
    ("title.episode.tsv", 6, 0),
    ("title.akas.tsv", 8, 0),
    ("tmdb_5000_credits.csv", 5, 0),
    ("credits.csv", 5, 0),
    ("ratings.csv", 7, 0),
    ("links.csv", 5, 0),
    ("tags.csv", 6, 0),
]
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ?(\w*) ?\| (\w+) \|", re.MULTILINE)


@pytest.mark.parametrize(("name", "loaded", "rejected"), FILES)
def test_each_bad_row_is_rejected_as_documented_and_no_other(
    stack: LocalStack, tenant: str, name: str, loaded: int, rejected: int
) -> None:
    common = ["--json", "--tenant", tenant, "--api-url", stack.api_url]
    upload = run(["upload", SAMPLES / name, "--wait", *common]).document
    page = run(["rejects", upload["id"], "--page-size", "100", *common]).document
    assert upload["records"] == {"read": loaded + rejected, "loaded": loaded, "rejected": rejected, "duplicate": 0}
    found = [(str(item["line_number"]), item["column"] or "", item["code"]) for item in page["items"]]
    assert found == ROW.findall(section(name))


def test_every_sample_is_tested() -> None:
    assert {path.name for path in SAMPLES.iterdir()} - {"README.md"} == {name for name, _loaded, _rejected in FILES}


def section(name: str) -> str:
    text = (SAMPLES / "README.md").read_text()
    return text.split(f"## {name}\n")[1].split("\n## ")[0]
