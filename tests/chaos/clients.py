"""Those who send files, and those who change their mind: cancel, cancel and retry, undo."""

import heapq
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from tests.chaos.files import Factory, MadeFile
from tests.chaos.ledger import Attempt, Intent, Ledger, Request
from tests.chaos.seeds import stream

TIMEOUT = httpx.Timeout(12, connect=2)
_INTENTS: tuple[Intent, ...] = ("keep", "cancel", "retry", "undo")
_INTENT_WEIGHTS = (68, 12, 8, 12)
_RESULTS: Mapping[str, str] = {"cancel": "cancelled", "retry": "completed", "undo": "undone"}


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
        with httpx.Client(timeout=TIMEOUT) as client:
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
                attempt = Attempt(
                    tenant=tenant, number=file.number, expected=file.expected, use_celery=use_celery, intent=intent
                )
                self.ledger.add(attempt)
            url = self.api_urls[(first_api + try_number) % len(self.api_urls)]
            key = f"key-{attempt.tenant}" if is_keyed else None
            send(client, url, Sending(file.name, file.content, as_form=as_form, key=key), attempt, self.ledger)
            if attempt.is_acknowledged:
                self.ledger.took("upload with all its tries", time.monotonic() - started)
                self.meddler.plan(attempt, 2 * chance.random())
                return
            if self.ledger.storm_is_over.wait(0.5):
                return


@dataclass(frozen=True, slots=True)
class Sending:
    """A file, how it is sent, and to which `path`; `key` is an Idempotency-Key."""

    name: str
    content: bytes
    as_form: bool
    key: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    path: str = "/upload"


def send(client: httpx.Client, api_url: str, sending: Sending, request: Request, ledger: Ledger) -> None:
    """Try it once, and write the answer down."""
    started = time.monotonic()
    request.unanswered += 1
    try:
        answer = client.send(_built(client, f"{api_url}/api/v1{sending.path}", sending, request))
    except httpx.TransportError:
        return
    request.status = answer.status_code
    is_key_in_use = answer.status_code == httpx.codes.CONFLICT and sending.key is not None
    if request.is_acknowledged:
        request.upload_id, request.acknowledged_at = answer.json()["id"], time.time()
        request.unanswered -= 1
        ledger.took("upload", time.monotonic() - started)
    elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE and not is_key_in_use:
        ledger.report("unexpected answer", f"upload {request.tenant}", f"{answer.status_code} {answer.text[:300]}")


def _built(client: httpx.Client, url: str, sending: Sending, request: Request) -> httpx.Request:
    parameters = {"tenant": request.tenant, "use_celery": str(request.use_celery).lower(), **sending.parameters}
    headers = {} if sending.key is None else {"Idempotency-Key": sending.key}
    if sending.as_form:
        form = {"file": (sending.name, sending.content)}
        return client.build_request("POST", url, params=parameters, headers=headers, files=form)
    named = parameters | {"filename": sending.name}
    return client.build_request("POST", url, params=named, headers=headers, content=sending.content)


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
    request: Request = field(compare=False)


class Meddler:
    """Cancels, retries and undoes; asks again until the answer is certain, as each of the three may be asked twice."""

    def __init__(self, api_urls: Sequence[str], ledger: Ledger) -> None:
        self._urls: Iterator[str] = itertools.cycle(api_urls)
        self._ledger = ledger
        self._plans: list[_Plan] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self.done: dict[str, int] = {"cancel": 0, "retry": 0, "undo": 0}

    def plan(self, request: Request, seconds: float) -> None:
        """What the request's sender has in mind for it, after so many seconds."""
        if request.intent != "keep":
            self._later("undo" if request.intent == "undo" else "cancel", request, seconds)

    def run(self) -> None:
        """The thread's body: until the storm is over and nothing is planned any more, 30 s longer at most."""
        ends = float("inf")
        with httpx.Client(timeout=TIMEOUT) as client:
            while time.monotonic() < ends and not (self._ledger.storm_is_over.is_set() and not self._plans):
                if self._ledger.storm_is_over.is_set() and ends == float("inf"):
                    ends = time.monotonic() + 30
                plan = self._due()
                if plan is None:
                    time.sleep(0.05)
                else:
                    self._ask(client, plan)

    def _later(self, action: str, request: Request, seconds: float) -> None:
        with self._lock:
            heapq.heappush(self._plans, _Plan(time.monotonic() + seconds, next(self._order), action, request))

    def _due(self) -> _Plan | None:
        with self._lock:
            if self._plans and self._plans[0].due <= time.monotonic():
                return heapq.heappop(self._plans)
            return None

    def _ask(self, client: httpx.Client, plan: _Plan) -> None:
        action, request = plan.action, plan.request
        _before(action, request)
        started = time.monotonic()
        try:
            answer = client.post(
                f"{next(self._urls)}/api/v1/uploads/{request.upload_id}/{action}", params={"tenant": request.tenant}
            )
        except httpx.TransportError:
            request.may_come.add(_RESULTS[action])
            self._later(action, request, 0.5)
            return
        self._ledger.took(action, time.monotonic() - started)
        self._heard(action, request, answer)

    def _heard(self, action: str, request: Request, answer: httpx.Response) -> None:
        if answer.status_code in {200, 202}:
            self.done[action] += 1
            request.allowed = {_RESULTS[action], *request.may_come}
            if action == "cancel" and request.intent == "retry":
                self._later("retry", request, 0.2)
        elif answer.status_code == httpx.codes.CONFLICT and action == "undo":
            request.allowed = {"completed", *request.may_come}  # not completed yet
            self._later(action, request, 0.5)
        elif answer.status_code == httpx.codes.CONFLICT:
            # it was done before the cancel came, or again before the retry did
            request.allowed = {"completed", *request.may_come}
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self._ledger.report(
                    "unexpected answer", f"{action} {request.tenant}", f"{answer.status_code} {answer.text[:300]}"
                )
            self._later(action, request, 0.5)


def _before(action: str, request: Request) -> None:
    """From the moment of asking until the answer is known, either may be."""
    request.allowed = request.allowed | {_RESULTS[action]}
    if action == "undo":
        request.is_undo_asked = True
