"""Readers of the collections that many uploads share: pages and exports, all the time."""

import csv
import io
import itertools
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.chaos.ledger import Ledger
from tests.chaos.versions.files import Collection
from tests.chaos.versions.model import Row
from tests.chaos.versions.reads import Read

_PAGE: Final = 100
_WAYS: Final = ("", ".jsonl", ".csv")


@dataclass(frozen=True)
class VersionReader:
    """Asks one API after the other for a page, or for all rows as a file."""

    collection: Collection
    api_urls: Sequence[str]
    ledger: Ledger
    reads: list[Read]

    def run(self) -> None:
        """The thread's body."""
        urls, ways = itertools.cycle(self.api_urls), itertools.cycle(_WAYS)
        with httpx.Client(timeout=httpx.Timeout(10, connect=2)) as client:
            while not self.ledger.readers_may_go.is_set():
                self._look(client, next(urls), next(ways))
                self.ledger.readers_may_go.wait(0.05)

    def _look(self, client: httpx.Client, api_url: str, way: str) -> None:
        collection = self.collection
        fields = f"{collection.key_column},{collection.value_column}"
        parameters = {"tenant": collection.tenant, "fields": fields} | ({} if way else {"page_size": str(_PAGE)})
        begin = time.time()
        try:
            answer = client.get(f"{api_url}/api/v1/datasets/{collection.dataset}/rows{way}", params=parameters)
        except httpx.TransportError:  # an export ends early, too, when what it reads is replaced
            time.sleep(0.02)
            return
        if answer.status_code == httpx.codes.OK:
            total, rows = self._rows(answer, way)
            self.reads.append(Read.of(f"rows{way} of {collection.dataset}", begin, time.time(), total, rows))
            self.ledger.observed()
            if len(rows) < min(total, _PAGE):
                self._report("half visible", f"total {total}, but {len(rows)} items")
        elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self._report("unexpected answer", f"{answer.status_code} {answer.text[:300]}")

    def _rows(self, answer: httpx.Response, way: str) -> tuple[int, list[Row]]:
        found: Iterable[Mapping[str, Any]]
        if way == ".csv":
            found = csv.DictReader(io.StringIO(answer.text, newline=""))
        elif way == ".jsonl":
            found = [json.loads(line) for line in answer.text.splitlines()]
        else:
            found = answer.json()["items"]
        key, value = self.collection.key_column, self.collection.value_column
        rows = [Row(str(row["_upload_id"]), int(row["_line"]), row[key], str(row[value])) for row in found]
        return len(rows) if way else answer.json()["total"], rows

    def _report(self, kind: str, evidence: str) -> None:
        self.ledger.report(kind, f"rows of {self.collection.dataset}", evidence)
