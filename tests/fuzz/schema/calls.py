"""The run: schemathesis' engine with all its checks against an API that runs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import schemathesis
from hypothesis import strategies
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.engine import events, from_schema
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import unregister
from schemathesis.openapi.checks import RejectedPositiveData

from tests.fuzz.schema import files
from tests.fuzz.schema.tenants import ADDRESS, Access, Foreign, is_name, text_of

AnyCase = Case[Any]
Document = dict[str, Any]
Tell = Callable[[str], None]
# last part of an address -> the id of an upload, a title, a movie or a shot, or the name of a source for which it is
# possible; and ADDRESS -> where there is a file that the API may fetch
Possible = Mapping[str, str]
_IDS: Final = ("upload_id", "title_id", "movie_id", "person_id", "shot_id", "name", "pull_id")

# A request that fits the document may still be refused where OpenAPI cannot express the rule. By the answer's code:
BEYOND_THE_DOCUMENT: Final = {
    "page_too_deep": "page times page_size has a limit",
    "invalid_cursor": "a cursor is what an answer of the same listing gave",
    "tenant_conflict": "header and query name the same tenant",
    "unknown_encoding": "all names that Python has for the encodings",
    "invalid_mapping": "a JSON object, or names separated by commas, in a parameter",
    "invalid_schema": "a Table Schema in a parameter or in a document",
    "invalid_moment": "a time, or the id of an upload into the same table",
    "history_expired": "as far back as it is known",
    "plan_stale": "the tag of the plan as it is, and a dataset that has not changed since",
    "invalid_record": "values that the rules of a dataset allow",
    "record_exists": "a key that no record of the dataset has",
    "precondition_required": "If-Match, which only an answer can give",
    "precondition_failed": "the tag of the record as it is",
    "invalid_filter": "filters, orders and fields are names of the dataset's table",
    "unknown_dataset": "a name of GET /datasets",
    "pulling_off": "an operator has listed hosts",
    "address_forbidden": "an address of a listed host",
    "schedule_incomplete": "starts_at comes with every_minutes",
    "source_exists": "a name that no source of the tenant has",
    "filename_required": "a raw body has its name in the query or in a header, a form in its part",
    "malformed_multipart": "the body is a form",
    "idempotency_key_reused": "the same key comes with the same bytes",
    # the body is a picture
    "unsupported_picture": "",
    "unreadable_picture": "",
    "shot_too_large": "",
    # the body is a movie file
    "unsupported_file": "",
    "unreadable_file": "",
    "header_mismatch": "",
    "ambiguous_encoding": "",
    "no_valid_record": "",
    "empty_file": "",
    "corrupt_compression": "",
    "compression_ratio_too_high": "",
    "archive_has_several_tables": "",
    "archive_member_not_found": "only archives have members",
}
_PARAMETERS_ARE_FREE: Final = (TestPhase.EXAMPLES, TestPhase.FUZZING, TestPhase.STATEFUL)
# One in so many calls asks for data of the other tenant.
_REACH_EVERY: Final = 5


@dataclass(frozen=True)
class Plan:
    """How many examples of each operation and sequence; `with_limits`: first all limits that the document has."""

    examples: int
    seed: int = 1
    with_limits: bool = True


@dataclass
class Report:
    """Results of the calls."""

    calls: int = 0
    reached_over: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)

    def answers(self, *methods: str) -> set[int]:
        """All statuses of calls of operations with these methods."""
        return {status for operation, status in self.statuses if operation.startswith(methods)}

    def succeeded(self) -> set[str]:
        """Operations that answered well at least once."""
        return {operation for operation, status in self.statuses if status < 300}


@dataclass(frozen=True)
class Caller:
    """Sends each call of a run as one tenant, and inspects its answer."""

    access: Access
    foreign: Foreign
    possible: Possible
    report: Report

    def before(self, case: AnyCase) -> None:
        self.access.choose(case.headers, case.query)
        if is_name((case.path_parameters or {}).get("tenant")):  # an operator may pause any tenant, this one, too
            case.path_parameters["tenant"] = f"{self.access.tenant}-decided"
        parameters = case.path_parameters or {}
        if is_valid(case) and str(parameters.get("upload_id", "")) == "None":  # taken from a source without an upload
            parameters["upload_id"] = self.possible["retry"]
        phase = None if case.meta is None else case.meta.phase.name
        if self.report.calls % 2 and phase in _PARAMETERS_ARE_FREE and is_valid_file(case):
            files.make_readable(case.query)
        if self.report.calls % 2 and phase in _PARAMETERS_ARE_FREE:
            for name, value in possible_ids(case, self.possible).items():
                case.path_parameters[name] = value
            if is_valid(case) and isinstance(case.body, dict) and "url" in case.body:
                case.body["url"] = self.possible[ADDRESS]
        if self.report.calls % _REACH_EVERY == 0 and phase is not TestPhase.STATEFUL:
            self._reach_over(case)

    def _reach_over(self, case: AnyCase) -> None:
        self.report.reached_over += reach_over(case, self.foreign)
        if self.access.key is not None and self.report.reached_over % 2:
            case.headers["X-Tenant"] = self.foreign.access.tenant

    def after(self, case: AnyCase, response: Response) -> None:
        self.report.calls += 1
        self.report.statuses[case.operation.label, response.status_code] += 1
        tokens = self.foreign.seen_in(text_of(response.headers, response.content))
        if code_of(response) == "tenant_forbidden":  # the refusal repeats the name that was sent
            tokens = [token for token in tokens if token != self.foreign.access.tenant]
        if tokens:
            self.report.findings[f"foreign: {case.operation.label}"] = f"{tokens}: {case.as_curl_command()}"


def is_valid_file(case: AnyCase) -> bool:
    """Whether it contains a file of rows, and nothing that the document forbids."""
    path = case.operation.path
    return case.media_type is not None and not is_document(path) and not is_picture(path) and is_valid(case)


def is_document(path: str) -> bool:
    """Whether the body of its requests is no file: it describes a dataset."""
    return "/datasets" in path


def possible_ids(case: AnyCase, possible: Possible) -> dict[str, str]:
    """What its action is possible for; by chance hardly any call would be about such a one."""
    method, _, path = case.operation.label.partition(" ")
    action = path.rpartition("/")[2]
    if action not in possible or not is_valid(case) or method in ("DELETE", "PATCH"):  # movie and shot must stay
        return {}
    names = [name for name in _IDS if name in (case.path_parameters or {})]
    return dict.fromkeys(names, possible[action])


def is_picture(path: str) -> bool:
    """Whether the body of its requests is a picture."""
    return path.endswith("/shots")


def is_valid(case: AnyCase) -> bool:
    """Whether it contains nothing that the document forbids."""
    return case.meta is not None and case.meta.generation.mode.is_positive


def is_failure(failure: Exception, response: Response) -> bool:
    """Whether what schemathesis reports is a failure here."""
    if isinstance(failure, AcceptedNegativeData):
        refusals = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.PRECONDITION_FAILED)
        return response.status_code not in refusals
    return not (isinstance(failure, RejectedPositiveData) and code_of(response) in BEYOND_THE_DOCUMENT)


def reach_over(case: AnyCase, foreign: Foreign) -> bool:
    """Ask for data of the other tenant: by its ids, its idempotency key, its cursor."""
    parameters = case.path_parameters
    if "upload_id" in parameters:
        parameters["upload_id"] = foreign.upload_ids[len(case.id) % len(foreign.upload_ids)]
    elif "movie_id" in parameters:
        parameters["movie_id"] = foreign.movie_id
    elif "person_id" in parameters:
        parameters["person_id"] = foreign.person_id
    elif "title_id" in parameters:
        parameters["title_id"] = str(foreign.movie_id)
    elif "pull_id" in parameters:
        parameters["pull_id"] = foreign.pull_id
    elif "shot_id" in parameters:
        parameters["shot_id"] = foreign.shot_id
    elif "cursor" in case.query:
        case.query["cursor"] = foreign.cursor
    elif "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = foreign.idempotency_key
    else:
        return False
    return True


def code_of(response: Response) -> str | None:
    try:
        document = response.json()
    except ValueError:
        return None
    return document.get("code") if isinstance(document, dict) else None


def call(
    document: Document,
    access: Access,
    foreign: Foreign,
    possible: Possible,
    plan: Plan,
    *,
    calls: int = 1,
    tell: Tell = print,
) -> Report:
    """At least so many calls: first the limits of the document, then random ones, with another seed each time."""
    files.register()
    report = Report()
    for repetition in count():
        schema = load(document, config(access, plan, repetition))
        with hooked(schema, Caller(access, foreign, possible, report)):
            _run(schema, report)
        tell(f"{report.calls} calls")
        if report.calls >= calls or report.findings:
            return report
    raise AssertionError("unreachable")


def read_document(api_url: str, access: Access) -> Document:
    """The API's own description, with its address."""
    with access.client(api_url) as client:
        document: Document = client.get(f"{api_url}/openapi.json").raise_for_status().json()
    return {**document, "servers": [{"url": api_url}]}


def load(document: Document, wanted: schemathesis.Config) -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_dict(document, config=wanted)
    schema.config.update(base_url=document["servers"][0]["url"])
    return schema


def config(access: Access, plan: Plan, repetition: int) -> schemathesis.Config:
    is_first = repetition == 0 and plan.with_limits
    return schemathesis.Config.from_dict(
        {
            "seed": plan.seed + repetition,
            "headers": access.credentials,
            "request-timeout": 20,
            "continue-on-failure": True,
            "generation": {
                "max-examples": plan.examples,
                "deterministic": True,
                "database": "none",
                "no-shrink": True,
                # a second key beside ours would only be refused
                "with-security-parameters": access.key is None,
            },
            "phases": {
                "examples": {"enabled": is_first},
                "coverage": {"enabled": is_first, "generate-duplicate-query-parameters": True},
                "stateful": {"max-steps": 12},
            },
        }
    )


@contextmanager
def hooked(schema: schemathesis.BaseSchema, caller: Caller) -> Iterator[None]:
    """Schemathesis finds hooks by their names; `before_call` is global, so it is removed at the end."""

    def before_call(_context: HookContext, case: AnyCase, _kwargs: dict[str, Any]) -> None:
        caller.before(case)

    def after_call(_context: HookContext, case: AnyCase, response: Response) -> None:
        caller.after(case, response)

    def filter_failure(_context: HookContext, failure: Exception, _case: AnyCase, response: Response) -> bool:
        return is_failure(failure, response)

    def flatmap_body(context: HookContext, body: object) -> SearchStrategy[object]:
        path = "" if context.operation is None else context.operation.path
        if is_document(path):
            return strategies.just(body)
        if is_picture(path):
            return files.or_picture(body)
        is_correction = "/uploads/" in path
        return files.or_table(body, is_correction=is_correction)

    schema.hook(after_call)
    schema.hook(flatmap_body)
    schema.hook(filter_failure)
    schemathesis.hook(before_call)
    try:
        yield
    finally:
        unregister(before_call)


def _run(schema: schemathesis.BaseSchema, report: Report) -> None:
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _add_failures(event, report)
        elif isinstance(event, events.NonFatalError):
            report.findings[f"error: {event.label}: {event.info.title}"] = event.info.message
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.Interrupted):
            raise KeyboardInterrupt


def _add_failures(event: events.ScenarioFinished, report: Report) -> None:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                name = f"{check.name}: {failure.operation}: {failure.title}"
                report.findings[name] = f"{failure.message}\n{check.failure_info.code_sample}"
