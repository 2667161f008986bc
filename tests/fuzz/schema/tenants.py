"""Two tenants: one makes the calls, and must never see or change data of the other."""

import json
import re
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psycopg2
from PIL import Image
from psycopg2 import extensions

from shared.messaging import Transport
from stack.local import LocalStack
from tests.file_server import FileServer
from tests.rows import MOVIES_HEADER, file_of, movies
from tests.system.api.pulled import add_pull
from tests.system.api.sending import wait_for_end
from tests.unit.shots.drawing import encoded, striped
from tests.waiting import eventually

# Among what is possible for a tenant: the address of a file.
ADDRESS: Final = "url"
_SERIES: Final = "tt0000001"
# Of a source; also the name of a dataset, so that one path parameter is possible for both.
_SOURCE: Final = "movies"
_TENANT_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Access:
    """How a call names its tenant: by a header, or by a key that is valid for this tenant only."""

    tenant: str
    key: str | None = None

    @property
    def credentials(self) -> dict[str, str]:
        """Headers of every call."""
        return {} if self.key is None else {"X-API-Key": self.key}

    def client(self, api_url: str) -> httpx.Client:
        headers = {**self.credentials, "X-Tenant": self.tenant}
        return httpx.Client(base_url=f"{api_url}/api/v1", headers=headers, timeout=30, trust_env=False)

    def choose(self, headers: Any, query: dict[str, Any]) -> None:
        """Replace every tenant name in a call by this tenant's; a value that is no valid name stays as it is."""
        if is_name(headers.get("X-Tenant", self.tenant)):
            headers["X-Tenant"] = self.tenant
        if is_name(query.get("tenant")):
            query["tenant"] = self.tenant


def is_name(value: object) -> bool:
    return isinstance(value, str) and _TENANT_PATTERN.fullmatch(value) is not None


@dataclass(frozen=True)
class Foreign:
    """The other tenant's data: the ids that lead to it, and tokens that no answer to a stranger may contain."""

    access: Access
    upload_ids: tuple[str, ...]
    movie_id: int
    person_id: int
    shot_id: str
    pull_id: str
    idempotency_key: str
    cursor: str
    tokens: tuple[str, ...]

    def seen_in(self, text: str) -> list[str]:
        """The tokens in an answer, its headers included."""
        return [token for token in self.tokens if token in text]

    def look(self, api_url: str) -> Any:
        """All of it, as its owner sees it: equal as long as no other tenant changes it."""
        with self.access.client(api_url) as client:
            uploads = client.get("/uploads").raise_for_status().json()
            histories = [client.get(f"/uploads/{upload}/history").json() for upload in self.upload_ids]
            shots = client.get(f"/movies/{self.movie_id}/shots").json()
            pulls = client.get("/sources").raise_for_status().json(), client.get(f"/pulls/{self.pull_id}").json()
            return uploads, histories, client.get("/movies").raise_for_status().json(), shots, pulls


def load_foreign(stack: LocalStack, access: Access) -> Foreign:
    """Uploads of every kind that a stranger could ask for: completed with rejects, failed, and corrected."""
    token = f"xyzzy{uuid.uuid4().hex}"
    key = f"{token}-key"
    pull_id = add_pull(stack.database_url, access.tenant, token)
    with access.client(stack.api_url) as client:
        changes = [{"title": f"{token} {number}", token: "kept"} for number in range(3)]
        content = movies(*changes, {"release_date": token}, header=[*MOVIES_HEADER, token])
        upload = _loaded(client, f"{token}.csv", content, {"Idempotency-Key": key})
        failed = _loaded(client, f"{token}-failed.csv", content + b"1\r\n", {}, on_error="abort")
        page = client.get("/movies", params={"page_size": 1}).raise_for_status().json()
        person_id = _load_person(client, token)
        movie_id = page["items"][0]["id"]
        shot = _pictured(client, movie_id, Image.effect_noise((16, 16), 100))
    tokens: tuple[str, ...] = (
        token,
        upload["id"],
        failed["id"],
        upload["sha256"],
        str(movie_id),
        str(person_id),
        shot["id"],
        pull_id,
        shot["sha256"],
        page["next_cursor"],
    )
    if access.key is not None:  # without keys every client may see which tenants there are
        tokens += (access.tenant,)
    upload_ids = upload["id"], failed["id"]
    return Foreign(access, upload_ids, movie_id, person_id, shot["id"], pull_id, key, page["next_cursor"], tokens)


def load_own(api_url: str, access: Access, file_server: FileServer) -> dict[str, str]:
    """Uploads of each kind for the calling tenant: lists are not empty, and there is something to undo.

    For actions the ids of uploads for which they are possible: one has failed, and fails again whenever it is retried;
    one is planned; one has rejects. Also the ids of a series that has an episode, of a movie, its shot, and a person; a
    source, a pull of it, and the address of its file.
    """
    # whatever mode a call names, no movie that other calls are about goes
    address = file_server.file("/title.crew.tsv", file_of("title.crew", {}))
    with access.client(api_url) as client:
        for number in range(6):
            rows = [{"title": f"Mine {number}.{row}"} for row in range(4)]
            partial = _loaded(client, "movies.csv", movies(*rows, {"release_date": "never"}), {})
        person_id = _load_person(client, "Mine")
        episodes = [{"tconst": f"tt000000{number}", "parentTconst": _SERIES} for number in (2, 3)]
        _loaded(client, "title.episode.tsv", file_of("title.episode", *episodes), {})
        # no other call replaces ratings, so these rejects can be corrected at any time
        ratings = [{"averageRating": rating} for rating in ("x", "8.1")]
        rejected = _loaded(client, "title.ratings.tsv", file_of("title.ratings", *ratings), {})
        failed = _loaded(client, "failed.csv", movies({"release_date": "never"}), {}, on_error="abort", force="true")
        planned = _loaded(client, "planned.csv", movies({"title": "Planned"}), {}, plan="true")
        movie_id = client.get("/movies").raise_for_status().json()["items"][0]["id"]
        shot = _pictured(client, movie_id, striped())
        client.post("/sources", json={"name": _SOURCE, "url": address}).raise_for_status()
        pull = client.post(f"/sources/{_SOURCE}/run").raise_for_status().json()
    uploads = {"retry": failed, "apply": planned, "rejects": rejected, "changes": partial}
    reports = dict.fromkeys(("{title_id}", "{title_id}.csv"), _SERIES)
    shots = {"{movie_id}": str(movie_id), "shots": str(movie_id), "{shot_id}": str(shot["id"])}
    people = dict.fromkeys(("{person_id}", "movies"), str(person_id))
    pulls = dict.fromkeys(("{name}", "run", "runs"), _SOURCE) | {"{pull_id}": str(pull["id"]), ADDRESS: address}
    return {action: str(upload["id"]) for action, upload in uploads.items()} | reports | shots | people | pulls


def _load_person(client: httpx.Client, name: str) -> int:
    # two: the export of one row as JSON lines would be one JSON document
    people = [{"nconst": f"nm000000{number}", "primaryName": f"{name} {number}"} for number in (1, 2)]
    _loaded(client, "name.basics.tsv", file_of("name.basics", *people), {}, force="true")
    return int(client.get("/people").raise_for_status().json()["items"][0]["id"])


def wait_until_idle(stack: LocalStack, access: Access) -> None:
    """Cancel what has not ended, because there may be no worker to load it, and wait until all has ended.

    Sources go, and with them their pulls. Others are waited for, if there is somebody to carry them out.
    """
    transports = [Transport.BACKGROUND, *([Transport.CELERY] if stack.workers else [])]
    with access.client(stack.api_url) as client:
        for source in client.get("/sources").raise_for_status().json()["items"]:
            client.delete(f"/sources/{source['name']}").raise_for_status()
        with closing(psycopg2.connect(stack.database_url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            assert eventually(lambda: _waiting(cursor, access.tenant, transports) == 0)
        for state in ("queued", "loading"):
            for upload in client.get("/uploads", params={"state": state, "page_size": 100}).json()["items"]:
                client.post(f"/uploads/{upload['id']}/cancel")
                wait_for_end(client, upload["id"])


def _loaded(
    client: httpx.Client, filename: str, content: bytes, headers: dict[str, str], **options: str
) -> dict[str, Any]:
    answer = client.post("/upload", params={"filename": filename, **options}, headers=headers, content=content)
    return wait_for_end(client, answer.raise_for_status().json()["id"])


def _pictured(client: httpx.Client, movie_id: int, picture: Image.Image) -> dict[str, Any]:
    """A new shot of the movie."""
    answer = client.post(f"/movies/{movie_id}/shots", content=encoded(picture, "PNG"))
    shot: dict[str, Any] = answer.raise_for_status().json()
    return shot


def _waiting(cursor: extensions.cursor, tenant: str, transports: list[Transport]) -> int:
    """How many pulls wait or are fetched."""
    waiting = "SELECT count(*) FROM pulls WHERE tenant = %s AND state = 'waiting' AND transport = ANY(%s)"
    cursor.execute(waiting, (tenant, [str(transport) for transport in transports]))
    return int(cursor.fetchall()[0][0])


def text_of(headers: dict[str, list[str]], body: bytes) -> str:
    """An answer as text, with what JSON escapes."""
    return json.dumps(headers) + body.decode("utf-8", errors="replace")
