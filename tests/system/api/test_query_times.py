"""Each route sends as many statements for many rows as for few; each is named, measured and, if slow, planned."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import APIRoute

from api.main import ROUTERS
from stack.local import LocalStack
from tests.rows import file_of
from tests.system.api.sending import Json, filled, wait_for_end
from tests.unit.shots.drawing import encoded, striped

FEW, MANY = 2, 30
SERIES = "tt0000001"
SEED = {"title": "A Film", "vote_count": "1"}
# Routes that ask the database nothing, or nothing of a tenant.
OTHERS = {
    *("/errors", "/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon-32x32.png"),
    *("/docs/initializer.js", "/api/v1/ping", "/api/v1/healthz", "/healthz", "/api/v1/health/db"),
}
# What is asked for in each route; the whole of `FEW` and of `MANY` is on one page.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "/uploads": ("page_size=100",),
    "/uploads/{upload_id}": ("",),
    "/uploads/{upload_id}/history": ("",),
    "/uploads/{upload_id}/duplicates": ("page_size=100",),
    "/uploads/{upload_id}/rejects": ("page_size=100", "format=csv"),
    "/uploads/{upload_id}/changes": ("page_size=100", "format=csv", "format=jsonl"),
    "/movies": (
        "page_size=100",
        "page_size=100&as_of={upload_id}",
        "page_size=100&sort_by=popularity&genre=Drama",
        "page_size=100&sort_by=title&title=a film",
        "page_size=100&person=nm0000001",
        "page_size=100&country=France&dataset=tmdb_movies&year_from=1990",
    ),
    "/movies/{movie_id}": ("",),
    "/movies/by-source/{source_id}": ("",),
    "/movies/{movie_id}/shots": ("",),
    "/shots/{shot_id}": ("",),
    "/people": ("page_size=100", "birth_year=1899", "name=some", "profession=actor"),
    "/people/{person_id}": ("",),
    "/people/{person_id}/movies": ("page_size=100",),
    "/search": ("q=film&page_size=100", "q=somebody&type=person", "q=dra&type=genre", "q=happens"),
    "/genres": ("",),
    "/countries": ("",),
    "/stats": ("",),
    "/reports/series/{title_id}": ("",),
    "/reports/series/{title_id}.csv": ("",),
    "/reports/genres": ("", "genre=Drama&top=5"),
    "/reports/genres.csv": ("genre=Drama&top=5",),
    "/datasets": ("",),
    "/datasets/declared_0": ("",),
    "/datasets/{name}/rows": ("page_size=100", "page_size=100&as_of={upload_id}"),
    "/datasets/{name}/rows.{file_format}": ("file_format=csv", "file_format=jsonl", "file_format=parquet"),
    "/datasets/{name}/references": ("",),
    "/datasets/{name}/changes": ("page_size=100",),
    "/tenants": ("",),
    "/sources": ("",),
    "/sources/{source}": ("",),
    "/sources/{source}/runs": ("page_size=100",),
    "/pulls/{pull_id}": ("",),
    "/admin/tenants": ("page_size={number}",),
    "/admin/tenants/{tenant}": ("",),
    "/admin/queue": ("page_size={number}",),
}


@dataclass(frozen=True)
class Catalogue:
    """A tenant with some number of everything, that many tenants that wait, and the ids by which one asks for it."""

    client: httpx.Client
    ids: dict[str, object]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that logs each statement, and for which almost all are slow."""
    settings = {"INGEST_LOG_LEVEL": "DEBUG", "INGEST_SLOW_QUERY_MS": "1", "INGEST_PULL_HOSTS": "data.invalid"}
    with LocalStack(tmp_path_factory.mktemp("talking"), workers=0, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def catalogues(talking: LocalStack) -> Iterator[tuple[Catalogue, Catalogue]]:
    few, many = (catalogue(talking, f"tenant-{number}", number) for number in (FEW, MANY))
    yield few, many
    few.client.close()
    many.client.close()


def catalogue(stack: LocalStack, tenant: str, number: int) -> Catalogue:
    client = httpx.Client(base_url=f"{stack.api_url}/api/v1", headers={"X-Tenant": tenant}, timeout=30, trust_env=False)
    for dataset, changes in files_of(number).items():
        load(client, f"{dataset}.{'tsv' if '.' in dataset else 'csv'}", file_of(dataset, *changes))
    titles = [{"tconst": SERIES, "startYear": "1990", "primaryTitle": "A Film", "genres": "Drama"}] * (number + 1)
    wrong = [{"tconst": f"tt8{each:06}", "startYear": "never"} for each in range(number)]
    other = [{"tconst": f"tt9{each:06}", "primaryTitle": "A Film", "genres": "Drama"} for each in range(number)]
    upload = load(client, "title.basics.tsv", file_of("title.basics", *titles, *wrong, *other))
    for each in range(number):
        load(client, f"more-{each}.csv", file_of("movies", {"title": f"Film no. {each}"}))
        schema = {"fields": [{"name": "n", "type": "integer"}]}
        client.post("/datasets", json={"name": f"declared_{each}", "schema": schema}).raise_for_status()
    [movie] = client.get(f"/movies/by-source/{SERIES}").raise_for_status().json()["items"]
    for each in range(number):
        shot = client.post(f"/movies/{movie['id']}/shots", content=encoded(striped((40 + each, 20)), "PNG"))
        source = {"name": f"source-{each}", "url": "https://data.invalid/movies.csv"}
        client.post("/sources", json=source).raise_for_status()
        pull = client.post(f"/sources/source-{each}/run")
    [person] = client.get("/people?source_id=nm0000001").raise_for_status().json()["items"]
    ids = {"upload_id": upload["id"], "movie_id": movie["id"], "person_id": person["id"], "source_id": SERIES}
    ids |= {"title_id": SERIES, "shot_id": shot.raise_for_status().json()["id"], "name": "title.basics"}
    for each in range(number):
        waiting = file_of("movies", {"title": f"Waits {each}"})
        params, whose = {"filename": "waiting.csv", "use_celery": "true"}, {"X-Tenant": f"{tenant}-{each}"}
        client.put("/upload", params=params, content=waiting, headers=whose).raise_for_status()  # there is no worker
    ids |= {"source": "source-0", "pull_id": pull.raise_for_status().json()["id"], "number": number, "tenant": tenant}
    return Catalogue(client, ids)


def load(client: httpx.Client, filename: str, content: bytes) -> Json:
    answer = client.put("/upload", params={"filename": filename, "use_celery": "false"}, content=content)
    upload = wait_for_end(client, answer.raise_for_status().json()["id"], pause_seconds=0.02)
    assert upload["state"] == "completed"
    return upload


def files_of(number: int) -> dict[str, list[dict[str, str]]]:
    """What belongs to the series and to the first person, so many times."""
    numbers = range(1, number + 1)
    names = [f"nm{each:07}" for each in numbers]
    return {
        "name.basics": [{"nconst": each, "knownForTitles": SERIES} for each in names],
        "title.principals": [
            *({"tconst": SERIES, "ordering": str(each), "nconst": name} for each, name in enumerate(names, 1)),
            *({"tconst": f"tt9{each:06}", "nconst": "nm0000001"} for each in numbers),
        ],
        "title.crew": [{"tconst": SERIES, "directors": ",".join(names), "writers": ",".join(names)}],
        "title.akas": [{"titleId": SERIES, "ordering": str(each)} for each in numbers],
        "title.ratings": [{"tconst": SERIES}, *({"tconst": f"tt9{each:06}"} for each in numbers)],
        "title.episode": [
            {"tconst": f"tt9{each:06}", "parentTconst": SERIES, "episodeNumber": str(each)} for each in numbers
        ],
        "tmdb_movies": [{"id": str(each), "genres": f"Drama, G{each}"} for each in numbers],
    }


def routes() -> set[str]:
    """Every GET route, without the version in its path."""
    found = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    paths = {route.path for route in found if "GET" in (route.methods or ())}
    assert paths >= OTHERS
    return {path.removeprefix("/api/v1") for path in paths - OTHERS}


def logged(stack: LocalStack, trace_id: str) -> tuple[Json, list[Json]]:
    """The request's line, which is written after its answer, and those of its statements."""
    deadline = time.monotonic() + 10
    while True:
        text = (stack.data_dir / "logs" / "api.log").read_text()
        lines = [json.loads(line) for line in text.splitlines() if trace_id in line]
        if requests := [line for line in lines if line["event"] == "request"]:
            return requests[0], [line for line in lines if line["event"] == "query"]
        assert time.monotonic() < deadline


def ask(stack: LocalStack, asked: Catalogue, path: str, question: str) -> tuple[Json, list[Json]]:
    params = dict(httpx.QueryParams(filled(question, **asked.ids)))
    address = filled(path, **asked.ids, file_format=params.pop("file_format", ""))
    trace_id = uuid.uuid4().hex
    answer = asked.client.get(address, params=params, headers={"X-Trace-Id": trace_id})
    assert answer.status_code == 200, answer.text
    return logged(stack, trace_id)


def names(lines: list[Json]) -> Counter[str]:
    return Counter(line["statement"] for line in lines)


def test_no_route_is_forgotten() -> None:
    assert routes() == {path.replace("declared_0", "{name}").replace("{source}", "{name}") for path in QUESTIONS}


def test_pages_for_operators_hold_as_many_as_asked_for(catalogues: tuple[Catalogue, Catalogue]) -> None:
    for each in catalogues:
        for path in ("/admin/tenants", "/admin/queue"):
            items = each.client.get(path, params={"page_size": str(each.ids["number"])}).json()["items"]
            assert len(items) == each.ids["number"]


@pytest.mark.parametrize(
    ("path", "question"), [(path, each) for path, questions in QUESTIONS.items() for each in questions]
)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    talking: LocalStack, catalogues: tuple[Catalogue, Catalogue], path: str, question: str
) -> None:
    (line, few), (_, many) = (ask(talking, each, path, question) for each in catalogues)
    assert names(few) == names(many)
    assert line["queries"] == len(few) > 0
    assert line["query_ms"] == pytest.approx(sum(each["milliseconds"] for each in few), abs=0.1 * len(few))
    assert {each["route"] for each in few} == {line["route"]}
    assert "unknown" not in names(few)
