"""`seed`: a small database of films, and Pagila's tables out of its dump."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.seeding.pagila_tables import TABLES
from cli.seeding.samples import SAMPLES
from stack.local import LocalStack
from tests.conftest import absent
from tests.system.api.sending import Json, wait_for_end
from tests.system.cli.programs import Result, run

FILMS = "COPY public.film (film_id, title, fulltext) FROM stdin;\n"
DUMP = (
    f"{FILMS}1\tDeep Water\t'deep':1 'water':2\n2\tHigh Ground\t'ground':2 'high':1\n\\.\n"
    "COPY public.category (category_id, name) FROM stdin;\n1\tDrama\n2\tHorror\n\\.\n"
    "COPY public.film_category (film_id, category_id) FROM stdin;\n1\t2\n2\t1\n\\.\n"
    "COPY public.rental (rental_id) FROM stdin;\n\\.\n"
)
REFERRING = ("title.ratings", "title.crew", "title.principals", "title.episode", "title.akas", "name.basics")


@pytest.fixture
def client(stack: LocalStack, tenant: str) -> Iterator[httpx.Client]:
    """Asks for what is there."""
    base_url, headers = f"{stack.api_url}/api/v1", {"X-Tenant": tenant}
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small dump of Pagila."""
    path = tmp_path / "pagila-data.sql"
    path.write_text(DUMP)
    return path


def seed(stack: LocalStack, tenant: str, *options: str | Path) -> Result:
    return run(["seed", "--tenant", tenant, "--api-url", stack.api_url, *options], timeout_seconds=300)


def outcomes(result: Result) -> dict[str, str]:
    """By file."""
    assert result.code == 0, result.err + result.out
    return {item["file"]: item["outcome"] for item in result.document["items"]}


def titles(client: httpx.Client, dataset: str, **filters: str) -> list[str]:
    """Titles of the rows that match."""
    answer = client.get(f"/datasets/{dataset}/rows", params=filters).raise_for_status().json()
    return [item["title"] for item in answer["items"]]


def total(client: httpx.Client, path: str) -> int:
    found: Json = client.get(path).raise_for_status().json()
    return int(found["total"])


def test_the_samples_refer_to_each_other_and_a_second_run_loads_nothing(
    stack: LocalStack, tenant: str, client: httpx.Client
) -> None:
    assert set(outcomes(seed(stack, tenant, "--json")).values()) == {"loaded"}
    assert total(client, "/datasets/title.basics/rows") == 170 + 14
    for dataset in REFERRING:
        assert total(client, f"/datasets/{dataset}/rows") > 0
        references = client.get(f"/datasets/{dataset}/references").raise_for_status().json()["items"]
        assert [item["dangling"] for item in references] == [0] * len(references), dataset
    uploads = total(client, "/uploads")
    again = seed(stack, tenant)
    assert again.code == 0, again.err
    assert again.out.count("there already") == len(SAMPLES) == uploads
    assert total(client, "/uploads") == uploads


def test_what_a_tenant_has_loaded_stays(stack: LocalStack, tenant: str, client: httpx.Client) -> None:
    content = b"tconst\taverageRating\tnumVotes\ntt0000002\t5.5\t10\ntt9900001\t1.0\t3\n"
    sent = client.put("/upload", params={"filename": "title.ratings.tsv"}, content=content).raise_for_status().json()
    assert wait_for_end(client, sent["id"])["state"] == "completed"
    found = outcomes(seed(stack, tenant, "--json"))
    assert (found["title.ratings.tsv"], Counter(found.values())["loaded"]) == ("there already", len(SAMPLES) - 1)
    assert total(client, "/datasets/title.ratings/rows") == 2


def test_films_of_a_dump_are_found_by_title_category_and_word(
    stack: LocalStack, tenant: str, client: httpx.Client, dump: Path
) -> None:
    command = (stack, tenant, "--no-samples", "--use-celery", "--json", "--pagila", dump)
    assert outcomes(seed(*command)) == {
        "pagila.category.csv": "loaded",
        "pagila.film.csv": "loaded",
        "pagila.film_category.csv": "loaded",
        "pagila.rental.csv": "empty",
    }
    assert titles(client, "pagila.film", title__prefix="De") == ["Deep Water"]
    assert titles(client, "pagila.film", category="Drama") == ["High Ground"]
    assert titles(client, "pagila.film", fulltext__has="water") == ["Deep Water"]
    assert total(client, "/datasets/pagila.rental/rows") == 0
    items = client.get("/uploads").json()["items"]
    assert {item["transport"] for item in items} == {"celery"}
    assert Counter(outcomes(seed(*command)).values()) == {"there already": 3, "empty": 1}
    assert total(client, "/uploads") == len(items) == 3


def test_a_run_that_was_interrupted_is_completed_by_the_next(
    stack: LocalStack, tenant: str, client: httpx.Client, dump: Path
) -> None:
    command = (stack, tenant, "--no-samples", "--json", "--pagila", dump)
    seed(*command)
    [films] = [item for item in client.get("/uploads").json()["items"] if item["dataset"] == "pagila.film"]
    client.post(f"/uploads/{films['id']}/undo").raise_for_status()
    assert outcomes(seed(*command))["pagila.film.csv"] == "loaded"
    assert total(client, "/datasets/pagila.film/rows") == 2


def test_a_dataset_of_another_shape_is_left_alone(
    stack: LocalStack, tenant: str, client: httpx.Client, dump: Path
) -> None:
    mine = {"name": "pagila.film", "schema": {"fields": [{"name": "reel"}]}}
    client.post("/datasets", json=mine).raise_for_status()
    failed = seed(stack, tenant, "--no-samples", "--pagila", dump)
    assert failed.code == 1
    assert "The tenant has another dataset pagila.film" in failed.err
    assert client.get("/datasets/pagila.film").json()["schema"]["fields"] == [{"name": "reel"}]


def test_what_is_no_dump_loads_nothing(stack: LocalStack, tenant: str, client: httpx.Client, dump: Path) -> None:
    for content, expected in (
        (DUMP.removesuffix("\\.\n"), "cut off in the rows of rental"),
        ("SELECT 1;\n", "no dump of Pagila"),
    ):
        dump.write_text(content)
        failed = seed(stack, tenant, "--pagila", dump)
        assert failed.code == 1
        assert expected in failed.err
        assert "Traceback" not in failed.err
    assert total(client, "/uploads") == 0


def test_all_of_pagilas_own_dump_is_loaded(
    stack: LocalStack, tenant: str, client: httpx.Client, shared_data: Path
) -> None:
    own = shared_data / "pagila" / "pagila-data.sql"
    if not own.is_file():
        absent("Pagila's dump")
    found = seed(stack, tenant, "--no-samples", "--json", "--pagila", own)
    assert set(outcomes(found).values()) == {"loaded"}
    assert len(found.document["items"]) == len(TABLES)
    uploads = [item["upload"] for item in found.document["items"]]
    assert [upload["records"]["rejected"] + upload["records"]["duplicate"] for upload in uploads] == [0] * len(TABLES)
    sizes = {item["dataset"].removeprefix("pagila."): item["rows"] for item in found.document["items"]}
    assert {name: sizes[name] for name in ("film", "category", "film_actor", "rental", "payment")} == {
        "film": 1000,
        "category": 16,
        "film_actor": 5462,
        "rental": 16044,
        "payment": 16044,
    }
    assert titles(client, "pagila.film", fulltext__has="dinosaur", category="Documentary")[0] == "ACADEMY DINOSAUR"
    rentals = client.get("/datasets/pagila.rental/rows?rental_id=2").json()["items"]
    assert [item["rental_date"] for item in rentals] == ["2005-05-24T22:54:33+00:00"]
