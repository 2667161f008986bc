"""Tenants over HTTP: many at once through few connections, and no way past the transaction of a tenant."""

import ast
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg2
import pytest

from stack.local import LocalStack
from tests.conftest import ROOT
from tests.rows import file_of
from tests.system.api.sending import NAMED, movies_csv, wait_for_end
from tests.unit.shots.drawing import encoded, striped
from tests.waiting import eventually

REQUESTS = 1000
CONNECTIONS = 4
# It may grow by ten for a while.
BEYOND_THE_POOL = CONNECTIONS + 16


@dataclass(frozen=True)
class Owner:
    """A tenant whose name stands in all that it has: file name, titles, rejected values."""

    name: str
    file: bytes
    upload_id: str
    movie_id: int
    person_id: int
    shot_id: str
    pull_id: str


def test_summaries_of_one_tenant_take_no_connection_from_another(stack: LocalStack, narrow: httpx.Client) -> None:
    many, other = ({"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"} for _ in range(2))
    upload = narrow.post("/upload", params=NAMED, content=movies_csv([{"budget": "x"}]), headers=many).json()
    client = httpx.Client(base_url=narrow.base_url, headers=many, timeout=30, trust_env=False)
    with client, ThreadPoolExecutor(BEYOND_THE_POOL) as pool, closing(psycopg2.connect(stack.database_url)) as owner:
        assert wait_for_end(client, upload["id"])["records"]["rejected"] == 1
        with owner, owner.cursor() as cursor:
            cursor.execute("LOCK TABLE rejects")
            asked = [pool.submit(client.get, f"/uploads/{upload['id']}/rejects") for _ in range(BEYOND_THE_POOL)]
            assert eventually(lambda: lock_is_waited_for(stack))
            answers = [narrow.get("/movies", headers=other) for _ in range(5)]
        statuses = {one.result().status_code for one in asked}
    assert {answer.status_code for answer in answers} == {200}
    assert statuses <= {200, 503}  # 503: they waited for the lock longer than a statement may take


def lock_is_waited_for(stack: LocalStack) -> bool:
    with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return cursor.fetchone() != (0,)


@pytest.fixture
def narrow(stack: LocalStack, tmp_path: Path) -> Iterator[httpx.Client]:
    """An API with pools of four, on the servers of the others."""
    settings = {"INGEST_DATABASE_POOL_SIZE": str(CONNECTIONS), "INGEST_PULL_HOSTS": "data.invalid"}
    database_url, redis_url = stack.database_url, stack.redis_url
    with (
        LocalStack(tmp_path, workers=0, settings=settings, database_url=database_url, redis_url=redis_url) as own,
        httpx.Client(base_url=f"{own.api_url}/api/v1", timeout=30, trust_env=False) as client,
    ):
        yield client


def own(client: httpx.Client, name: str) -> Owner:
    """Loads a file whose every value names its tenant."""
    headers = {"X-Tenant": name}
    good: dict[str, object] = {"title": f"Film of {name}", "release_date": "1995-01-01", "original_language": "en"}
    file = movies_csv([good, good, {"title": f"Bad of {name}", "runtime": f"long {name}"}])
    params = {"filename": f"{name}.csv"}
    upload_id = client.post("/upload", params=params, content=file, headers=headers).raise_for_status().json()["id"]
    with httpx.Client(base_url=client.base_url, headers=headers, trust_env=False) as mine:
        assert wait_for_end(mine, upload_id)["records"] == {"read": 3, "loaded": 2, "rejected": 1, "duplicate": 0}
        movie_id = mine.get("/movies").raise_for_status().json()["items"][0]["id"]
        shot = mine.post(f"/movies/{movie_id}/shots", content=encoded(striped(), "PNG")).raise_for_status().json()
        films = f"title,year,genres,countries,votes\nFilm with a genre,1995,{name},{name},5\n".encode()
        answer = mine.put("/upload", params={"filename": "films.csv", "dataset": "films"}, content=films)
        assert wait_for_end(mine, answer.raise_for_status().json()["id"])["state"] == "completed"
        person_id = load_person(mine, name)
        source = {"name": name, "url": "https://data.invalid/movies.csv"}
        mine.post("/sources", json=source).raise_for_status()
        pull = mine.post(f"/sources/{name}/run").raise_for_status().json()
    return Owner(name, file, upload_id, movie_id, person_id, shot["id"], pull["id"])


def load_person(mine: httpx.Client, name: str) -> int:
    """Loads a person and a title, whose ids in the source are the same for every tenant."""
    files = {
        "title.basics": {"tconst": "tt0000001", "primaryTitle": f"Title of {name}"},
        "title.principals": {"tconst": "tt0000001", "nconst": "nm0000001"},
        "name.basics": {"nconst": "nm0000001", "primaryName": f"Person of {name}"},
    }
    for dataset, row in files.items():
        answer = mine.put("/upload", params={"filename": f"{dataset}.tsv"}, content=file_of(dataset, row))
        assert wait_for_end(mine, answer.raise_for_status().json()["id"])["state"] == "completed"
    return int(mine.get("/people").raise_for_status().json()["items"][0]["id"])


def questions(mine: Owner, other: Owner) -> list[tuple[str, str, int]]:
    """Method, path and expected status: what is one's own, and what is another's."""
    return [
        ("GET", "/movies", 200),
        ("GET", "/movies?sort_by=vote_average&language=en", 200),
        ("GET", "/movies?title=film&sort_by=title&year_from=1990", 200),
        ("GET", f"/movies?upload={mine.upload_id}&sort_by=popularity", 200),
        ("GET", "/movies?dataset=movies&sort_by=runtime", 200),
        ("GET", f"/movies/{mine.movie_id}", 200),
        ("GET", "/movies/by-source/tt0000001", 200),
        ("GET", "/people?source_id=nm0000001", 200),
        ("GET", f"/people/{mine.person_id}", 200),
        ("GET", f"/people/{mine.person_id}/movies", 200),
        ("GET", f"/reports/series/{mine.movie_id}", 200),
        ("GET", "/reports/series/tt0000001.csv", 200),
        ("GET", "/uploads", 200),
        ("GET", f"/uploads/{mine.upload_id}", 200),
        ("GET", f"/uploads/{mine.upload_id}/rejects", 200),
        ("GET", f"/uploads/{mine.upload_id}/rejects?format=csv", 200),
        ("GET", f"/uploads/{mine.upload_id}/history", 200),
        ("GET", f"/uploads/{mine.upload_id}/changes", 200),
        ("GET", f"/uploads/{mine.upload_id}/changes?format=csv", 200),
        ("GET", f"/uploads/{mine.upload_id}/changes?format=jsonl", 200),
        ("GET", "/datasets/movies/changes", 200),
        ("GET", f"/datasets/movies/rows?as_of={mine.upload_id}", 200),
        ("GET", "/movies?as_of=2999-01-01", 200),
        ("GET", f"/movies/{mine.movie_id}/shots", 200),
        ("GET", f"/shots/{mine.shot_id}", 200),
        ("GET", f"/search?q=film+of+{mine.name}", 200),
        ("GET", f"/search?q=film+of+{other.name}", 200),
        ("GET", "/genres", 200),
        ("GET", "/countries?sort=name", 200),
        ("GET", "/stats", 200),
        ("GET", "/reports/genres", 200),
        ("GET", "/sources", 200),
        ("GET", f"/sources/{mine.name}", 200),
        ("GET", f"/sources/{mine.name}/runs", 200),
        ("GET", f"/pulls/{mine.pull_id}", 200),
        ("GET", f"/reports/genres.csv?genre={mine.name}", 200),
        ("POST", "/upload", 200),
        ("POST", "/reload", 404),  # no tenant has a default file here
        ("GET", f"/movies/{other.movie_id}", 404),
        ("GET", f"/people/{other.person_id}", 404),
        ("GET", f"/people/{other.person_id}/movies", 404),
        ("GET", f"/reports/series/{other.movie_id}", 404),
        ("GET", f"/uploads/{other.upload_id}", 404),
        ("GET", f"/uploads/{other.upload_id}/rejects", 404),
        ("GET", f"/uploads/{other.upload_id}/history", 404),
        ("GET", f"/uploads/{other.upload_id}/changes", 404),
        ("GET", f"/uploads/{other.upload_id}/changes?format=csv", 404),
        ("GET", f"/movies/{other.movie_id}/shots", 404),
        ("POST", f"/movies/{other.movie_id}/shots", 404),
        ("GET", f"/shots/{other.shot_id}", 404),
        ("DELETE", f"/shots/{other.shot_id}", 404),
        ("GET", f"/sources/{other.name}", 404),
        ("GET", f"/sources/{other.name}/runs", 404),
        ("DELETE", f"/sources/{other.name}", 404),
        ("GET", f"/pulls/{other.pull_id}", 404),
        ("GET", f"/movies?as_of={other.upload_id}", 404),
        ("GET", f"/movies?upload={other.upload_id}", 404),
        ("GET", f"/datasets/movies/rows.csv?as_of={other.upload_id}", 404),
        ("PATCH", f"/movies/{other.movie_id}", 404),
        ("DELETE", f"/movies/{other.movie_id}", 404),
        ("POST", f"/uploads/{other.upload_id}/rejects", 404),
        ("POST", f"/uploads/{other.upload_id}/apply", 404),
        ("POST", f"/uploads/{other.upload_id}/undo", 404),
    ]


def test_a_thousand_requests_of_four_tenants_over_four_connections(narrow: httpx.Client) -> None:
    owners = [own(narrow, f"t-{uuid.uuid4().hex[:12]}") for _ in range(4)]
    chance = random.Random(1)  # noqa: S311  an order, not a secret
    asked = Counter[str]()

    def ask(mine: Owner, other: Owner, method: str, path: str, status: int, key: str | None) -> None:
        headers = {"X-Tenant": mine.name} | ({"Idempotency-Key": key} if key else {})
        content = mine.file if method == "POST" and not path.endswith(("apply", "undo", "reload")) else None
        params = {"filename": f"{mine.name}.csv"} if content and not path.endswith("shots") else None
        if method == "PATCH":
            content, headers["Content-Type"] = b'{"runtime": 1}', "application/json"
        url = httpx.URL(path)
        answer = narrow.request(
            method, url, params={**dict(url.params), **(params or {})}, content=content, headers=headers
        )
        assert answer.status_code == status, (method, path, answer.text)
        found = {owner.name for owner in owners if owner.name in answer.text}
        assert found - {mine.name} == set(), (method, path)
        assert other.upload_id not in answer.text
        assert other.shot_id not in answer.text
        assert other.pull_id not in answer.text
        is_of_mine = not path.endswith("history") and "shots" not in path and other.name not in path
        if status == 200 and is_of_mine:
            assert mine.name in answer.text, (method, path)
        asked[mine.name] += 1

    with ThreadPoolExecutor(CONNECTIONS) as clients:
        jobs, sent = [], Counter[str]()
        for _ in range(REQUESTS):
            mine, other = chance.sample(owners, 2)
            method, path, status = chance.choice(questions(mine, other))
            sent[mine.name] += path == "/upload"
            # keys are the tenant's: all use the same ones, each once
            key = f"key-{sent[mine.name]}" if path == "/upload" else None
            jobs.append(clients.submit(ask, mine, other, method, path, status, key))
        for job in jobs:
            job.result()
    assert sum(asked.values()) == REQUESTS
    assert len(asked) == len(owners)
    listed = {item["name"]: item for item in narrow.get("/tenants").raise_for_status().json()["items"]}
    assert [(listed[owner.name]["uploads"], listed[owner.name]["movies"]) for owner in owners] == [(5, 4)] * 4


def calls(package: str, is_wanted: Callable[[ast.Call], bool]) -> set[str]:
    """Modules of the package with such a call."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*.py")
        if any(isinstance(node, ast.Call) and is_wanted(node) for node in ast.walk(ast.parse(path.read_text())))
    }


def named(*names: str) -> Callable[[ast.Call], bool]:
    """Whether a call is of a function or method of one of these names."""

    def is_named(call: ast.Call) -> bool:
        function = call.func
        return (getattr(function, "attr", None) or getattr(function, "id", None)) in names

    return is_named


def test_requests_get_connections_from_tenancy_only() -> None:
    opened = named("connect", "begin", "raw_connection", "begin_nested", "Session", "AsyncSession")
    # These begin to serve metrics, which are figures of the whole system; no request gets to them.
    assert calls("api", opened) == {"api/metrics/system.py", "api/runtime.py"}
    # the owner's own work, which asks for the tenant in its statements, or is everybody's
    assert calls("shared", named("connect", "begin", "plain_transaction", "raw_connection")) == {
        "shared/database/engine.py",
        "shared/database/tenancy.py",
        "shared/database/request_login.py",
        "shared/database/loader_connection.py",
        "shared/ingest/lifecycle/actions.py",
        "shared/ingest/lifecycle/declaring.py",
        "shared/ingest/lifecycle/plans.py",
        "shared/ingest/lifecycle/pruning.py",
        "shared/ingest/lifecycle/record_retention.py",
        "shared/ingest/lifecycle/retention.py",
        "shared/ingest/lifecycle/row_retention.py",
        "shared/ingest/lifecycle/undoing.py",
        "shared/ingest/lifecycle/withdrawn.py",
        "shared/ingest/merging/merger.py",
        "shared/ingest/words/word_indexes.py",
        "shared/ingest/words/filler.py",
        "shared/ingest/pulling/puller.py",
        "shared/ingest/pulling/quota.py",
        "shared/ingest/pulling/pulling.py",
        "shared/ingest/pulling/schedule.py",
        "shared/ingest/manual/editing.py",
        # these begin an upload, which opens no connection
        "shared/ingest/loading/loader.py",
        "shared/ingest/work.py",
        "shared/ingest/lifecycle/sweep.py",
    }


def test_who_reads_rejects_names_their_upload() -> None:
    # else their policy compares with all uploads of the tenant, which is right, and slow
    def names_an_upload(call: ast.Call) -> bool:
        return named("tenant_reading")(call) and any(word.arg == "upload_number" for word in call.keywords)

    readers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "api").rglob("*.py")
        if "from shared.database.queries.rejects import" in path.read_text()
    }
    assert calls("api", names_an_upload) == readers == {"api/listings/rejects_export.py", "api/routes/rejects.py"}


def test_only_runtime_makes_engines_and_only_a_few_may_see_everybody() -> None:
    made = named("create_sync_engine", "create_request_engine", "create_read_engine")
    assert calls("api", made) == {"api/runtime.py", "api/metrics/system.py"}
    assert calls("api", named("create_engine", "create_async_engine")) == set()
    assert calls("api", named("all_tenants_reading")) == {"api/routes/admin.py", "api/routes/tenants.py"}
    assert calls("api", named("all_tenants_transaction")) == {"api/routes/admin.py"}
    assert calls("api", named("tenantless_reading")) == {"api/routes/health.py"}


def test_the_owners_engine_is_used_where_it_must_be() -> None:
    used = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "api").rglob("*.py")
        if "runtime.engine" in path.read_text()
    }
    # Cancel, retry, undo, and changes of a dataset drop and alter tables; their statements name the tenant. What
    # operators do is for all tenants.
    assert used == {"api/routes/admin.py", "api/routes/datasets.py", "api/routes/tenants.py", "api/routes/uploads.py"}
