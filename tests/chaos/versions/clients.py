"""Those who send files into collections that all of them share: several at once, in every mode."""

import itertools
import queue
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from tests.chaos.clients import TIMEOUT, Meddler, Numbers, OpenCount, Sending, send
from tests.chaos.ledger import Intent, Ledger, Request
from tests.chaos.seeds import stream
from tests.chaos.versions.files import COLLECTIONS, VersionFile, correct, make

_INTENTS: tuple[Intent, ...] = ("keep", "cancel", "retry", "undo")
_INTENT_WEIGHTS = (60, 6, 6, 28)
_LATEST_UNDO_SECONDS = 15.0  # others are published before it
_LATEST_CORRECTION_SECONDS = 2.0


@dataclass(slots=True, kw_only=True)
class VersionRequest(Request):
    """A request to upload a file, with an Idempotency-Key: each try is the same request.

    `corrects`: the request whose bad records it corrects.
    """

    file: VersionFile = field(repr=False)
    corrects: "VersionRequest | None" = None


@dataclass(frozen=True)
class VersionSender:
    """Sends files until the storm is over, each again until an API has answered 202."""

    seed: int
    api_urls: Sequence[str]
    numbers: Numbers
    ledger: Ledger
    requests: list[VersionRequest]
    meddler: Meddler
    corrector: "Corrector"
    count_open: OpenCount

    def run(self) -> None:
        """The thread's body."""
        with httpx.Client(timeout=TIMEOUT) as client:
            while not self.ledger.storm_is_over.is_set():
                if self.count_open.is_full:
                    self.ledger.storm_is_over.wait(0.1)
                    continue
                self._send(client, self.numbers.next())

    def _send(self, client: httpx.Client, number: int) -> None:
        chance = stream(self.seed, f"version sender/{number}")
        file = make(self.seed, chance.choice(COLLECTIONS), number)
        (intent,) = chance.choices(_INTENTS, _INTENT_WEIGHTS)
        request = VersionRequest(
            tenant=file.collection.tenant, number=number, use_celery=chance.random() < 0.6, intent=intent, file=file
        )
        self.requests.append(request)
        key, as_form = f"version-{number}", chance.random() < 0.3
        sending = Sending(file.name, file.content, as_form=as_form, key=key, parameters={"mode": file.mode})
        first_api, started = chance.randrange(len(self.api_urls)), time.monotonic()
        for try_number in itertools.count():
            url = self.api_urls[(first_api + try_number) % len(self.api_urls)]
            send(client, url, sending, request, self.ledger)
            if request.is_acknowledged:
                self.ledger.took("upload with all its tries", time.monotonic() - started)
                self.meddler.plan(request, chance.random() * (_LATEST_UNDO_SECONDS if intent == "undo" else 2))
                if file.expected.bad and intent in {"keep", "undo"}:
                    self.corrector.plan(request, chance.random() * _LATEST_CORRECTION_SECONDS)
                return
            if self.ledger.storm_is_over.wait(0.5):
                return


@dataclass(frozen=True)
class Corrector:
    """Sends the bad records of some uploads again, corrected."""

    seed: int
    api_urls: Sequence[str]
    ledger: Ledger
    requests: list[VersionRequest]
    plans: queue.PriorityQueue[tuple[float, int, VersionRequest]] = field(default_factory=queue.PriorityQueue)

    def plan(self, request: VersionRequest, seconds: float) -> None:
        """Correct it after so many seconds."""
        self.plans.put((time.monotonic() + seconds, request.number, request))

    def run(self) -> None:
        """The thread's body: until the storm is over."""
        with httpx.Client(timeout=TIMEOUT) as client:
            while not self.ledger.storm_is_over.wait(0.1):
                with suppress(queue.Empty):
                    due, number, request = self.plans.get_nowait()
                    if due > time.monotonic():
                        self.plans.put((due, number, request))
                    elif (may_be := self._may_be_corrected(client, request)) is None:
                        self.plan(request, 0.5)
                    elif may_be:
                        self._correct(client, request)

    def _may_be_corrected(self, client: httpx.Client, request: VersionRequest) -> bool | None:
        """None: not yet, or nobody answers."""
        url = f"{self.api_urls[request.number % len(self.api_urls)]}/api/v1/uploads/{request.upload_id}"
        try:
            answer = client.get(url, params={"tenant": request.tenant})
        except httpx.TransportError:
            return None
        if answer.status_code != httpx.codes.OK or answer.json()["state"] in {"queued", "loading"}:
            return None
        upload = answer.json()
        return upload["state"] == "completed" and upload["superseded_by"] is None

    def _correct(self, client: httpx.Client, corrected: VersionRequest) -> None:
        """It may be undone or replaced meanwhile: then the answer is 409, or the correction fails."""
        file = correct(self.seed, corrected.file)
        request = VersionRequest(
            tenant=corrected.tenant,
            number=file.number,
            use_celery=corrected.use_celery,
            intent="keep",
            file=file,
            corrects=corrected,
        )
        self.requests.append(request)
        path = f"/uploads/{corrected.upload_id}/rejects"
        sending = Sending("rejects.tsv", file.content, as_form=False, key=f"version-{file.number}", path=path)
        for url in itertools.cycle(self.api_urls):
            send(client, url, sending, request, self.ledger)
            if request.is_acknowledged or request.status == httpx.codes.CONFLICT:
                return
            if self.ledger.storm_is_over.wait(0.3):
                return
