"""Those who send files, and those who change their mind: cancel, cancel and retry, undo."""

import heapq
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from tests.chaos.files import Factory, MadeFile
from tests.chaos.ledger import Attempt, Intent, Ledger
from tests.chaos.seeds import stream

_TIMEOUT = httpx.Timeout(12, connect=2)
_INTENTS: tuple[Intent, ...] = ("keep", "cancel", "retry", "undo")
_INTENT_WEIGHTS = (68, 12, 8, 12)


class Numbers:
    """Hands out the numbers of files to several senders."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def next(self) -> int:
        """The next one."""
        with self._lock:
            return next(self._numbers)


@dataclass(frozen=True)
class Sender:
    """Sends files until the storm is over, each again until an API has answered 202; never more than `most_open`."""

    seed: int
    api_urls: Sequence[str]
    factory: Factory
    numbers: Numbers
    ledger: Ledger
    meddler: "Meddler"
    count_open: "OpenCount"

    def run(self) -> None:
        """The thread's body."""
        with httpx.Client(timeout=_TIMEOUT) as client:
            while not self.ledger.storm_is_over.is_set():
                if self.count_open.is_full:
                    self.ledger.storm_is_over.wait(0.1)
                    continue
                self._send(client, self.factory.make(self.numbers.next()))

    def _send(self, client: httpx.Client, file: MadeFile) -> None:
        """With an Idempotency-Key every try is the same request; without one each is another, for another tenant."""
        chance = stream(self.seed, f"sender/{file.number}")
        use_celery, as_form, is_keyed = chance.random() < 0.6, chance.random() < 0.3, chance.random() < 0.4
        (intent,) = chance.choices(_INTENTS, _INTENT_WEIGHTS)
        first_api, started = chance.randrange(len(self.api_urls)), time.monotonic()
        for try_number in itertools.count():
            if try_number == 0 or not is_keyed:
                tenant = f"n{file.number}-{'key' if is_keyed else f'a{try_number}'}"
                attempt = Attempt(tenant, file.number, file.expected, use_celery, intent)
                self.ledger.add(attempt)
            url = f"{self.api_urls[(first_api + try_number) % len(self.api_urls)]}/api/v1/upload"
            self._try(client, _request(client, url, file, attempt, as_form, is_keyed), attempt)
            if attempt.is_acknowledged:
                self.ledger.took("upload with all its tries", time.monotonic() - started)
                self.meddler.plan(attempt, chance.random())
                return
            if self.ledger.storm_is_over.wait(0.5):
                return

    def _try(self, client: httpx.Client, request: httpx.Request, attempt: Attempt) -> None:
        started = time.monotonic()
        try:
            answer = client.send(request)
        except httpx.TransportError:
            return
        attempt.status = answer.status_code
        is_key_in_use = answer.status_code == httpx.codes.CONFLICT and "idempotency-key" in request.headers
        if attempt.is_acknowledged:
            attempt.upload_id, attempt.acknowledged_at = answer.json()["id"], time.time()
            self.ledger.took("upload", time.monotonic() - started)
        elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE and not is_key_in_use:
            self.ledger.report(
                "unexpected answer", f"upload {attempt.tenant}", f"{answer.status_code} {answer.text[:300]}"
            )


def _request(
    client: httpx.Client, url: str, file: MadeFile, attempt: Attempt, as_form: bool, is_keyed: bool
) -> httpx.Request:
    parameters = {"tenant": attempt.tenant, "use_celery": str(attempt.use_celery).lower()}
    headers = {"Idempotency-Key": f"key-{attempt.tenant}"} if is_keyed else {}
    if as_form:
        form = {"file": (file.name, file.content)}
        return client.build_request("POST", url, params=parameters, headers=headers, files=form)
    named = parameters | {"filename": file.name}
    return client.build_request("POST", url, params=named, headers=headers, content=file.content)


class OpenCount:
    """How many acknowledged uploads are not done yet, as the SQL reader last saw it."""

    def __init__(self, most_open: int) -> None:
        self._most_open = most_open
        self.value = 0

    @property
    def is_full(self) -> bool:
        """Whether senders should wait."""
        return self.value >= self._most_open


@dataclass(order=True)
class _Plan:
    due: float
    order: int
    action: str = field(compare=False)
    attempt: Attempt = field(compare=False)


class Meddler:
    """Cancels, retries and undoes; asks again until the answer is certain, as each of the three may be asked twice."""

    def __init__(self, api_urls: Sequence[str], ledger: Ledger) -> None:
        self._urls: Iterator[str] = itertools.cycle(api_urls)
        self._ledger = ledger
        self._plans: list[_Plan] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self.done: dict[str, int] = {"cancel": 0, "retry": 0, "undo": 0}

    def plan(self, attempt: Attempt, chance: float) -> None:
        """What the attempt's sender has in mind for it, after up to 2 s by `chance` (0 to 1)."""
        if attempt.intent != "keep":
            self._later("undo" if attempt.intent == "undo" else "cancel", attempt, 2 * chance)

    def run(self) -> None:
        """The thread's body: until the storm is over and nothing is planned any more, 30 s longer at most."""
        ends = float("inf")
        with httpx.Client(timeout=_TIMEOUT) as client:
            while time.monotonic() < ends and not (self._ledger.storm_is_over.is_set() and not self._plans):
                if self._ledger.storm_is_over.is_set() and ends == float("inf"):
                    ends = time.monotonic() + 30
                plan = self._due()
                if plan is None:
                    time.sleep(0.05)
                else:
                    self._ask(client, plan)

    def _later(self, action: str, attempt: Attempt, seconds: float) -> None:
        with self._lock:
            heapq.heappush(self._plans, _Plan(time.monotonic() + seconds, next(self._order), action, attempt))

    def _due(self) -> _Plan | None:
        with self._lock:
            if self._plans and self._plans[0].due <= time.monotonic():
                return heapq.heappop(self._plans)
            return None

    def _ask(self, client: httpx.Client, plan: _Plan) -> None:
        action, attempt = plan.action, plan.attempt
        _before(action, attempt)
        started = time.monotonic()
        try:
            answer = client.post(
                f"{next(self._urls)}/api/v1/uploads/{attempt.upload_id}/{action}", params={"tenant": attempt.tenant}
            )
        except httpx.TransportError:
            self._later(action, attempt, 0.5)
            return
        self._ledger.took(action, time.monotonic() - started)
        self._heard(action, attempt, answer)

    def _heard(self, action: str, attempt: Attempt, answer: httpx.Response) -> None:
        if answer.status_code in {200, 202}:
            self.done[action] += 1
            attempt.allowed = {"cancel": {"cancelled"}, "retry": {"completed"}, "undo": {"undone"}}[action]
            if action == "cancel" and attempt.intent == "retry":
                self._later("retry", attempt, 0.2)
        elif answer.status_code == httpx.codes.CONFLICT and action == "undo":
            attempt.allowed = {"completed"}  # not completed yet
            self._later(action, attempt, 0.5)
        elif answer.status_code == httpx.codes.CONFLICT:
            attempt.allowed = {"completed"}  # it was done before the cancel came, or again before the retry did
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self._ledger.report(
                    "unexpected answer", f"{action} {attempt.tenant}", f"{answer.status_code} {answer.text[:300]}"
                )
            self._later(action, attempt, 0.5)


def _before(action: str, attempt: Attempt) -> None:
    """From the moment of asking until the answer is known, either may be."""
    attempt.allowed = attempt.allowed | {"cancel": {"cancelled"}, "retry": {"completed"}, "undo": {"undone"}}[action]
    if action == "undo":
        attempt.is_undo_asked = True
