"""Pictures of movies over HTTP: what is taken, how it is served, and which movie it belongs to."""

import hashlib
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx
import pytest
from PIL import Image

from stack.local import LocalStack
from tests.system.api.sending import Json, MovieRows, assert_problem, movies_csv, stored_files, wait_for_end
from tests.system.api.titles import titles_csv
from tests.unit.shots.drawing import SECRET, animated, bomb, encoded, striped, talkative

Load = Callable[[MovieRows], Json]
MIB = 1024 * 1024
ENDINGS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
MISNAMED = {"filename": "shell.php", "content_type": "image/gif"}


@pytest.fixture
def movie(mine: httpx.Client, load: Load) -> int:
    """The id of a movie without a key."""
    load([{"title": "Metropolis"}])
    return movie_of(mine)


def movie_of(client: httpx.Client, title: str | None = None) -> int:
    items = client.get("/movies").raise_for_status().json()["items"]
    return next(int(item["id"]) for item in items if title in (None, item["title"]))


def load_titles(client: httpx.Client, titles: dict[int, str], **params: str) -> str:
    answer = client.post("/upload", params={"filename": "title.basics.tsv", **params}, content=titles_csv(titles))
    upload = wait_for_end(client, answer.raise_for_status().json()["id"])
    assert upload["state"] == "completed", upload
    return str(upload["id"])


def add(client: httpx.Client, movie_id: int, content: bytes) -> httpx.Response:
    return client.post(f"/movies/{movie_id}/shots", content=content)


def listed(client: httpx.Client, movie_id: int) -> list[str]:
    shots = client.get(f"/movies/{movie_id}/shots").raise_for_status().json()
    assert shots["total"] == len(shots["items"])
    assert {item["movie_id"] for item in shots["items"]} <= {movie_id}
    return [item["id"] for item in shots["items"]]


@pytest.mark.parametrize("format_", ENDINGS)
def test_a_picture_is_served_as_what_it_is_and_says_nothing_else(mine: httpx.Client, movie: int, format_: str) -> None:
    raw = talkative(format_, is_rotated=True)
    file = (MISNAMED["filename"], raw, MISNAMED["content_type"])
    answer = mine.post(f"/movies/{movie}/shots", files={"file": file})
    assert answer.status_code == 201, answer.text
    shot = answer.json()
    assert (shot["width"], shot["height"], shot["movie_id"]) == (20, 40, movie)
    assert answer.headers["location"] == shot["links"]["self"] == f"/api/v1/shots/{shot['id']}"
    assert listed(mine, movie) == [shot["id"]]
    served = mine.get(f"/shots/{shot['id']}")
    assert served.status_code == 200
    assert SECRET not in served.content
    assert hashlib.sha256(served.content).hexdigest() == shot["sha256"]
    assert len(served.content) == shot["size_bytes"]
    assert Image.open(BytesIO(served.content)).format == format_
    expected = {
        "content-type": shot["media_type"],
        "etag": f'"{shot["sha256"]}"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "content-disposition": f'inline; filename="shot-{shot["id"]}.{ENDINGS[format_]}"',
        "cache-control": "private, max-age=31536000, immutable",
        "vary": "Authorization, X-API-Key, X-Tenant",
    }
    assert {name: served.headers[name] for name in expected} == expected
    head = mine.head(f"/shots/{shot['id']}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(shot["size_bytes"])


def test_a_client_that_has_it_gets_it_not_again(mine: httpx.Client, movie: int) -> None:
    shot = add(mine, movie, encoded(striped(), "PNG")).json()
    path, tag = f"/shots/{shot['id']}", f'"{shot["sha256"]}"'
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = mine.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert "immutable" in answer.headers["cache-control"]
    for unknown in ('"other"', tag.strip('"'), tag[:-2] + '"'):
        assert mine.get(path, headers={"If-None-Match": unknown}).status_code == 200


def test_the_same_picture_of_a_movie_is_one_shot(stack: LocalStack, mine: httpx.Client, movie: int) -> None:
    first = add(mine, movie, talkative("PNG"))
    before = stored_files(stack)
    again = add(mine, movie, talkative("PNG") + b"with something else behind it")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert stored_files(stack) == before


def test_a_deleted_shot_is_gone(stack: LocalStack, mine: httpx.Client, movie: int) -> None:
    before = stored_files(stack)
    shot = add(mine, movie, encoded(striped(), "WEBP")).json()
    assert len(stored_files(stack) - before) == 1
    assert mine.delete(f"/shots/{shot['id']}").status_code == 204
    assert stored_files(stack) == before
    assert_problem(mine.get(f"/shots/{shot['id']}"), 404, "not_found")
    assert_problem(mine.delete(f"/shots/{shot['id']}"), 404, "not_found")
    assert listed(mine, movie) == []


def test_large_pictures_are_sent_in_blocks(mine: httpx.Client, movie: int) -> None:
    noise = Image.effect_noise((1600, 1600), 100)
    shot = add(mine, movie, encoded(noise, "PNG")).json()
    assert shot["size_bytes"] > 2 * MIB
    served = mine.get(f"/shots/{shot['id']}").content
    assert hashlib.sha256(served).hexdigest() == shot["sha256"]


def test_what_is_no_picture_is_refused_and_not_kept(stack: LocalStack, mine: httpx.Client, movie: int) -> None:
    before = stored_files(stack)
    png = encoded(striped(), "PNG")
    for content in (b"", b"x", b"<svg onload='alert(1)'/>", encoded(striped(), "GIF"), encoded(striped(), "TIFF")):
        assert_problem(add(mine, movie, content), 415, "unsupported_picture")
    for content in (png[:12], png[:40], png[: len(png) // 2], b"\xff\xd8\xff" + bytes(500)):
        assert_problem(add(mine, movie, content), 422, "unreadable_picture")
    for content in (bomb(30_000, 30_000), animated("WEBP", 2), animated("PNG", 2)):
        assert_problem(add(mine, movie, content), 413, "shot_too_large")
    too_many = assert_problem(add(mine, movie, png + bytes(10 * MIB)), 413, "shot_too_large")
    assert too_many["max_bytes"] == 10 * MIB
    chunks = (png if number == 0 else bytes(MIB) for number in range(12))
    assert_problem(mine.post(f"/movies/{movie}/shots", content=chunks), 413, "shot_too_large")
    for media_type in ("text/csv", "image/gif"):
        answer = mine.post(f"/movies/{movie}/shots", content=png, headers={"Content-Type": media_type})
        assert_problem(answer, 415, "unsupported_media_type")
    assert_problem(mine.post(f"/movies/{movie}/shots", files={"other": png}), 422, "file_part_required")
    assert listed(mine, movie) == []
    assert stored_files(stack) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_movie_that_is_none_has_no_shots(mine: httpx.Client, movie: int, method: str) -> None:
    for movie_id in (movie + 1, 0, 2**53 - 1):
        answer = mine.request(method, f"/movies/{movie_id}/shots", content=encoded(striped(), "PNG"))
        assert_problem(answer, 404, "not_found")
    assert_problem(mine.request(method, "/movies/2e9/shots"), 422, "invalid_request")
    assert_problem(mine.request(method, f"/movies/{movie}/shots?size=1"), 422, "invalid_request")


def test_nobody_sees_or_deletes_the_shots_of_another_tenant(mine: httpx.Client, movie: int) -> None:
    shot = add(mine, movie, encoded(striped(), "PNG")).json()
    stranger = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    for method, path in (
        ("GET", f"/shots/{shot['id']}"),
        ("DELETE", f"/shots/{shot['id']}"),
        ("GET", f"/movies/{movie}/shots"),
        ("POST", f"/movies/{movie}/shots"),
    ):
        assert_problem(mine.request(method, path, headers=stranger), 404, "not_found")
    known = {**stranger, "If-None-Match": f'"{shot["sha256"]}"'}
    assert_problem(mine.get(f"/shots/{shot['id']}", headers=known), 404, "not_found")
    assert mine.get(f"/shots/{shot['id']}").status_code == 200


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_shots_stay_with_the_key_when_the_row_is_set_anew(mine: httpx.Client, mode: str) -> None:
    first_upload = load_titles(mine, {1: "One", 2: "Two"})
    before = movie_of(mine, "One")
    shot = add(mine, before, encoded(striped(), "PNG")).json()["id"]
    second_upload = load_titles(mine, {1: "One, again", 2: "Two"}, mode=mode)
    after = movie_of(mine, "One, again")
    assert after != before
    assert listed(mine, after) == [shot]
    assert listed(mine, movie_of(mine, "Two")) == []
    assert mine.get(f"/movies/{before}/shots").status_code == 404
    for upload in (second_upload, first_upload):
        mine.post(f"/uploads/{upload}/undo").raise_for_status()
    assert mine.get("/movies").json()["total"] == 0
    assert mine.get(f"/shots/{shot}").status_code == 200
    load_titles(mine, {1: "One", 3: "Three"}, force="true")
    assert listed(mine, movie_of(mine, "One")) == [shot]
    assert listed(mine, movie_of(mine, "Three")) == []


def test_shots_of_a_row_without_a_key_are_listed_again_if_it_comes_back(mine: httpx.Client, movie: int) -> None:
    shot = add(mine, movie, encoded(striped(), "PNG")).json()["id"]
    params = {"filename": "movies.csv", "mode": "replace"}
    answer = mine.post("/upload", params=params, content=movies_csv([{"title": "Another"}]))
    replacing = wait_for_end(mine, answer.raise_for_status().json()["id"])
    assert mine.get(f"/movies/{movie}/shots").status_code == 404
    mine.post(f"/uploads/{replacing['id']}/undo").raise_for_status()
    assert listed(mine, movie) == [shot]


def test_a_ping_does_not_wait_for_pictures(mine: httpx.Client, movie: int) -> None:
    large = encoded(Image.effect_noise((5000, 2000), 60).convert("RGB"), "JPEG", quality=60)
    add(mine, movie, encoded(striped(), "PNG"))  # the process has started
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(add, mine, movie, large + bytes([number])) for number in range(3)]
        waits = []
        while not all(job.done() for job in jobs):
            began = time.monotonic()
            assert mine.get("/ping").status_code == 200
            waits.append(time.monotonic() - began)
    assert sorted(job.result().status_code for job in jobs) == [200, 200, 201]
    assert len(waits) > 10
    assert sorted(waits)[len(waits) // 2] < 0.1


def test_pictures_of_a_movie_without_a_key_follow_its_edits_and_their_undo(mine: httpx.Client, movie: int) -> None:
    shot = add(mine, movie, encoded(striped(), "PNG")).raise_for_status().json()["id"]

    def edited(movie_id: int, runtime: int) -> tuple[int, str]:
        """The movie's new id, and the upload that the edit was."""
        answer = mine.patch(f"/movies/{movie_id}", json={"runtime": runtime}, headers={"If-Match": "*"})
        upload = answer.raise_for_status().headers["link"].removeprefix("<").partition(">")[0]
        return answer.json()["id"], upload.rpartition("/")[2]

    def undo(upload: str) -> None:
        mine.post(f"/uploads/{upload}/undo").raise_for_status()

    second, first_edit = edited(movie, 2)
    assert listed(mine, second) == [shot]
    third, second_edit = edited(second, 3)
    assert listed(mine, third) == [shot]
    undo(first_edit)  # what the second edit has set stays
    assert listed(mine, third) == [shot]
    undo(second_edit)
    assert listed(mine, movie) == [shot]
    removal = mine.delete(f"/movies/{movie}", headers={"If-Match": "*"}).raise_for_status().headers["link"]
    undo(removal.removeprefix("<").partition(">")[0].rpartition("/")[2])
    assert listed(mine, movie_of(mine)) == [shot]
