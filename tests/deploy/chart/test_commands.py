"""Every command of the chart, with its environment and its probes as rendered, as processes of this machine.

Only addresses differ: the servers that the Secrets name, the ports of API and Flower, and the directory of the files.
"""

import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from tests.conftest import ROOT, execute
from tests.deploy.chart.rendered import VALUES, Container, Secrets, containers_of, documents_of, files_of
from tests.deploy.containers import START_SECONDS, changed, image, run, running, sessions, status, wait_for

POD = "films-worker-7d9f-x2x4"


@dataclass(frozen=True)
class Cluster:
    """What is there before a release: an empty database and a broker, in Secrets, and a directory of files."""

    secrets: Secrets
    database_url: str
    files: Path
    logs: Path

    def environment(self, container: Container) -> dict[str, str]:
        """The variables of a container, with the directory of this test in its volume."""
        given = container.environment(self.secrets, POD)
        if directory := given.get("INGEST_DATA_DIR"):
            assert directory in container.mounts()
            given["INGEST_DATA_DIR"] = str(self.files)
        return image(given)


@dataclass(frozen=True)
class Pod:
    """A container that runs; `port` is where its port `http` is on this machine."""

    container: Container
    environment: Mapping[str, str]
    port: int = 0

    def probe(self, kind: str) -> bool:
        """Ask as a kubelet does."""
        return is_well(self, self.container.spec[kind])


def is_well(pod: Pod, probe: Mapping[str, Any]) -> bool:
    """Whether a probe succeeds; raises `KeyError` for a kind of probe that no container has."""
    if request := probe.get("httpGet"):
        assert pod.container.port(request["port"])
        headers = {header["name"]: header["value"] for header in request.get("httpHeaders", [])}
        # a kubelet asks by the pod's address
        headers.setdefault("Host", "10.244.1.7:8000")
        answer = status(f"http://{LOCALHOST}:{pod.port}{request['path']}", headers=headers)
        return answer is not None and 200 <= answer < 400
    return run(probe["exec"]["command"], pod.environment).returncode == 0


@contextmanager
def serving(container: Container, cluster: Cluster) -> Iterator[Pod]:
    """A server on a port of this machine, once its startup probe succeeds."""
    environment, port = cluster.environment(container), free_port()
    command, log = container.command(environment), cluster.logs / f"{container.component}.log"
    (address,) = [part for part in command if part.endswith("=0.0.0.0")]
    changes = {
        address: address.replace("0.0.0.0", LOCALHOST),  # noqa: S104  replaced
        f"--port={container.port('http')}": f"--port={port}",
    }
    pod = Pod(container, environment, port)
    with running(changed(command, changes), environment, log):
        wait_for(partial(pod.probe, "startupProbe"), log)
        yield pod


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A database of its own beside that of the stack, which is migrated already."""
    directory = tmp_path_factory.mktemp("cluster")
    with LocalStack(directory / "stack", apis=0, workers=0) as stack:
        execute(stack.postgres.url, "CREATE DATABASE films")
        url = make_url(stack.postgres.url_of("films"))
        requests = url.set(username="films_requests", password="p2")
        yield Cluster(
            secrets={
                "imdb-ingest-postgresql": {
                    "DATABASE_URL": url.render_as_string(hide_password=False),
                    "INGEST_API_DATABASE_URL": requests.render_as_string(hide_password=False),
                },
                "imdb-ingest-redis": {"REDIS_URL": stack.redis_url, "INGEST_CACHE_URL": stack.redis_url},
                "imdb-ingest-flower": {"FLOWER_BASIC_AUTH": "flower:f1"},
            },
            database_url=url.render_as_string(hide_password=False),
            files=directory / "files",
            logs=directory,
        )


@pytest.fixture(scope="module", params=["default", "most"])
def containers(request: pytest.FixtureRequest) -> dict[str, Container]:
    """Those of a set of values."""
    return containers_of(documents_of(VALUES[request.param]))


@pytest.fixture(scope="module")
def release(containers: dict[str, Container], cluster: Cluster) -> dict[str, Container]:
    """The containers, once the hook has run."""
    hook = containers["migrate"]
    environment = cluster.environment(hook)
    done = run(changed(hook.command(environment), {}), environment)
    assert done.returncode == 0, done.stderr
    return containers


@pytest.fixture(scope="module")
def api(release: dict[str, Container], cluster: Cluster) -> Iterator[Pod]:
    """The API, which takes itself for started."""
    with serving(release["api"], cluster) as pod:
        yield pod


@pytest.fixture(scope="module")
def worker(release: dict[str, Container], cluster: Cluster) -> Iterator[Pod]:
    """A worker that is ready."""
    container, log = release["worker"], cluster.logs / "worker.log"
    environment = cluster.environment(container)
    pod = Pod(container, environment)
    with running(changed(container.command(environment), {}), environment, log):
        wait_for(partial(pod.probe, "readinessProbe"), log)
        yield pod


def test_the_api_is_alive_and_ready(api: Pod, cluster: Cluster) -> None:
    assert api.probe("livenessProbe")
    assert api.probe("readinessProbe")
    assert "films_requests" in sessions(cluster.database_url)


def test_the_api_waits_before_its_signal() -> None:
    command = containers_of(documents_of({}))["api"].spec["lifecycle"]["preStop"]["exec"]["command"]
    started = time.monotonic()
    assert run(command, image({})).returncode == 0
    assert time.monotonic() - started > 1


def test_the_worker_answers_for_itself_only(worker: Pod) -> None:
    assert worker.probe("readinessProbe")
    stranger = Pod(worker.container, {**worker.environment, "POD_NAME": "another"})
    assert not stranger.probe("readinessProbe")


@pytest.mark.usefixtures("worker")
def test_the_key_of_the_notes_lets_a_file_in_and_a_worker_loads_it(api: Pod) -> None:
    (words,) = re.findall(r"-- (python -m cli.main keys create .*)", files_of({})["NOTES.txt"])
    made = run(changed(shlex.split(words), {}), api.environment)
    (key,) = re.findall(r"\bimdb_\w+", made.stdout)
    # one of INGEST_ALLOWED_HOSTS, in the set of values that has them
    headers = {"X-API-Key": key, "X-Tenant": "films", "Host": "films.example"}
    url = f"http://{LOCALHOST}:{api.port}/api/v1"
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        file = (ROOT / "samples" / "movies.csv").read_bytes()
        sent = client.post("/upload", params={"use_celery": True, "force": True}, files={"file": ("movies.csv", file)})
        assert sent.status_code == 202, sent.text
        upload = f"/uploads/{sent.json()['id']}"
        deadline = time.monotonic() + START_SECONDS
        while (found := client.get(upload).json())["state"] in {"queued", "loading"}:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        assert (found["state"], found["transport"]) == ("completed", "celery")
        assert client.get("/movies").json()["total"] > 0


def test_the_scheduler_begins_and_keeps_nothing(release: dict[str, Container], cluster: Cluster) -> None:
    container, log = release["beat"], cluster.logs / "beat.log"
    environment = cluster.environment(container)
    before = set(ROOT.iterdir())
    with running(changed(container.command(environment), {}), environment, log):
        wait_for(lambda: "beat: Starting" in log.read_text(), log)
    assert set(ROOT.iterdir()) == before


def test_flower_answers_only_to_who_knows_the_password(release: dict[str, Container], cluster: Cluster) -> None:
    with serving(release["flower"], cluster) as flower:
        assert flower.probe("livenessProbe")
        page = f"http://{LOCALHOST}:{flower.port}"
        assert status(page) == 401
        assert status(page, ("flower", "wrong")) == 401
        assert status(page, ("flower", "f1")) == 200


def test_without_a_secret_nothing_starts(containers: dict[str, Container]) -> None:
    for container in containers.values():
        with pytest.raises(KeyError, match="imdb-ingest-"):
            container.environment({})
