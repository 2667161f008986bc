"""Files of a dataset with a key, small and large ones, and what readers see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.system.api.sending import Json, wait_for_end
from tests.waiting import eventually

DATASET: Final = "title.basics"
# A file with more bytes is large on the stack `low_border`.
BORDER_BYTES: Final = 4096


def tconst(number: int) -> str:
    """The key of a title."""
    return f"tt{number:07}"


def titles_csv(titles: Mapping[int, str], *, is_large: bool = False) -> bytes:
    """A file of titles by number; blank lines make it a large one."""
    lines = ["tconst\ttitleType\tprimaryTitle", *(f"{tconst(n)}\tmovie\t{title}" for n, title in titles.items())]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" * (BORDER_BYTES if is_large else 0)


@dataclass(frozen=True)
class Titles:
    """The titles of one tenant."""

    client: httpx.Client

    def send(self, titles: Mapping[int, str], *, is_large: bool = False, **params: Any) -> Json:
        """Upload titles and wait until they are loaded, planned or refused."""
        return self.send_file(titles_csv(titles, is_large=is_large), **params)

    def send_file(self, content: bytes, filename: str = "title.basics.tsv", **params: Any) -> Json:
        """Upload a file and wait until it is loaded, planned or refused."""
        answer = self.client.post("/upload", params={"filename": filename, **params}, content=content)
        assert answer.status_code in (200, 202), answer.text
        return self.wait(answer.json()["id"])

    def wait(self, upload_id: str) -> Json:
        """An upload once it has ended or is planned, and its changes are counted."""

        def is_counted() -> bool:
            upload = self.client.get(f"/uploads/{upload_id}").json()
            return upload["state"] != "completed" or upload["counts"] is not None

        wait_for_end(self.client, upload_id)
        assert eventually(is_counted)
        upload: Json = self.client.get(f"/uploads/{upload_id}").raise_for_status().json()
        return upload

    def plan(self, titles: Mapping[int, str], mode: str, **params: Any) -> Json:
        """Upload titles whose changes are to be decided about."""
        upload = self.send(titles, mode=mode, plan=True, **params)
        assert upload["state"] == "planned", upload
        return upload

    def apply(self, upload: Json) -> Json:
        """Apply a plan and wait until it is published."""
        answer = self.client.post(f"/uploads/{upload['id']}/apply", headers={"If-Match": upload["plan"]["etag"]})
        assert answer.status_code == 202, answer.text
        return self.wait(upload["id"])

    def undo(self, upload: Json) -> None:
        """Undo an upload."""
        answer = self.client.post(f"/uploads/{upload['id']}/undo")
        assert answer.status_code == 200, answer.text

    def shown(self, **params: Any) -> list[tuple[int, str]]:
        """Number and title of each visible row, sorted."""
        answer = self.client.get(f"/datasets/{DATASET}/rows", params={"page_size": 100, **params})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["next_cursor"] is None
        assert page["total"] == len(page["items"])
        return sorted((int(row["source_id"][2:]), row["title"]) for row in page["items"])


def counted(new: int = 0, changed: int = 0, unchanged: int = 0, removed: int = 0) -> Json:
    """The counts of an upload without duplicates."""
    return {"new": new, "changed": changed, "unchanged": unchanged, "removed": removed, "duplicate": 0}
