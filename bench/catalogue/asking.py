"""Asks both services the same questions, in turn, and keeps how long each answer took."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from bench.catalogue.questions import Kind, Question
from bench.client import Client
from bench.results import percentile
from stack.local import LocalStack
from stack.ports import LOCALHOST, free_port
from stack.services import Service, Surroundings

_OK: Final = 200
# A statement of the plain service has so long; its answer then counts as this, whatever else it took.
MOST_MILLISECONDS: Final = 30_000.0
_STOP_SECONDS: Final = 40.0
_MOST_RESTARTS: Final = 10
# The service closes a connection on which nothing comes for so long.
_KEEP_ALIVE_SECONDS: Final = 3_600


@dataclass
class Times:
    """Milliseconds of one kind of questions.

    `ours` of all, `both` of those that the plain service was asked, too, whose own are `plain`, in the same order.
    `pings`: one before each of ours. `cut`: answers of the plain service that were none within its time.
    """

    kind: Kind
    pings: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    cut: int = 0

    def ratio(self, percent: float) -> float:
        """Of the plain service to ours, of the questions that both were asked; NaN if there are none."""
        return ratio([self], percent)


class WrongAnswer(Exception):
    """The two services do not know the same movies, or one of them has failed: their times say nothing."""


def ratio(times: Sequence[Times], percent: float) -> float:
    """Of the plain service's percentile to ours, over the questions of several kinds."""
    ours = [each for one in times for each in one.both]
    plain = [each for one in times for each in one.plain]
    return percentile(plain, percent) / percentile(ours, percent) if ours else float("nan")


def ask(kind: Kind, ours: str, plain: "PlainService", seconds: float) -> Times:
    """Ask all questions of our service, and as many of the plain one as it answers in `seconds`, at least one."""
    times = Times(kind)
    with closing(Client(ours)) as our_client, closing(Client(plain.url)) as plain_client:
        for question in kind.questions:
            our_client.get("/ping")  # a connection that was idle may be closed
            times.pings.append(our_client.milliseconds("/ping"))
            milliseconds, total = _ask_ours(our_client, question, times)
            if kind.is_asked_of_both and sum(times.plain) < seconds * 1000:
                try:
                    _ask_plain(plain_client, question, total, times)
                except ConnectionError:
                    plain.start_again()
                else:
                    times.both.append(milliseconds)
    return times


@contextmanager
def plain_service(stack: LocalStack) -> Iterator["PlainService"]:
    """The plain service on the stack's database, in one process like the product's API."""
    service = PlainService(Surroundings(stack.data_dir, stack.database_url, stack.redis_url, {}))
    service.start()
    try:
        service.wait_ready()
        yield service
    finally:
        service.stop()


class PlainService(Service):
    """The process; `restarts`: how often it has ended by itself."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.restarts = 0
        port = free_port()
        options = ("--host", LOCALHOST, "--port", str(port), "--no-access-log")
        keep = ("--timeout-keep-alive", str(_KEEP_ALIVE_SECONDS))
        application = "bench.contenders.plain_service:app"
        recipe = surroundings.recipe("plain", "uvicorn", application, *options, *keep, stop_seconds=_STOP_SECONDS)
        super().__init__(recipe, f"http://{LOCALHOST}:{port}")

    def answers(self) -> bool:
        """Whether it listens."""
        try:
            return httpx.get(f"{self.url}/openapi.json", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def start_again(self) -> None:
        """After it has ended; raises `WrongAnswer` if that happens again and again."""
        self.restarts += 1
        if self.restarts > _MOST_RESTARTS:
            raise WrongAnswer("the plain service does not stay up")
        self.stop()
        self.start()
        self.wait_ready()


def _ask_ours(client: Client, question: Question, times: Times) -> tuple[float, int | None]:
    """Milliseconds, and the total if it is exact."""
    answer = client.timed(question.path, question.parameters)
    times.ours.append(answer.milliseconds)
    if answer.status != _OK:
        times.errors.append(f"{answer.status} for {question}")
        return answer.milliseconds, None
    document = answer.document
    return answer.milliseconds, document.get("total") if document.get("total_is_exact") else None


def _ask_plain(client: Client, question: Question, total: int | None, times: Times) -> None:
    answer = client.timed(question.path, question.parameters)
    times.plain.append(min(answer.milliseconds, MOST_MILLISECONDS))
    if answer.milliseconds >= MOST_MILLISECONDS:
        times.cut += 1
    elif answer.status != _OK:
        raise WrongAnswer(f"the plain service: {answer.status} for {question}")
    elif times.kind.has_same_total and total is not None and answer.document["total"] != total:
        raise WrongAnswer(f"{question}: {total} and {answer.document['total']} movies")
