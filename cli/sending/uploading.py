"""Sends files one after the other, and says of each what became of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from cli.client.api_client import ApiClient, Params
from cli.client.client_errors import ClientError, Json, UnreachableError, not_sent
from cli.rendering.formatting import count, printable
from cli.rendering.outcome import Command, Outcome, outcome_of
from cli.rendering.progress import ProgressView
from cli.sending.files import InputFile
from cli.sending.send import follow, send


@dataclass(frozen=True)
class Result:
    """What became of a file: an upload, or the error because of which there is none or its end is not known."""

    file: InputFile
    upload: Json | None = None
    error: ClientError | None = None

    @property
    def outcome(self) -> Outcome:
        """Its outcome in a word."""
        return Outcome.REFUSED if self.upload is None or self.error else outcome_of(self.upload)

    @property
    def document(self) -> Json:
        """The result as JSON, with the API's own document."""
        found = {"file": printable(self.file.path), "outcome": self.outcome}
        documents = {"upload": self.upload, "problem": self.error.document if self.error else None}
        return {**found, **{name: document for name, document in documents.items() if document is not None}}


@dataclass
class Uploading:
    """Sends files to `path` of the API, all with the same parameters; with `waits` it follows each to its end."""

    client: ApiClient
    command: Command
    path: str
    params: Params
    waits: bool
    idempotency_key: str | None = None
    _now: str = field(default="Stopped.", init=False)
    _done: int = field(default=0, init=False)
    _all: int = field(default=1, init=False)

    def send(self, file: InputFile, view: ProgressView) -> Json:
        """Send one file and return its upload, which with `waits` has ended. Raises `ClientError`."""
        self._now = f"Stopped while sending {printable(file.path)}: the API has it only if it had arrived as a whole."
        sent = send(self.client, file, self.params, view, self.path, self.idempotency_key)
        if not self.waits:
            return sent
        self._now = f"Stopped waiting; the API goes on loading. To see it: {self.command('show', sent['id'])}"
        ended = follow(self.client, sent, view)
        # only the answer to the file itself says this
        return {**ended, "deduplicated": sent.get("deduplicated", False)}

    def send_all(
        self, files: Sequence[InputFile], views: Callable[[], AbstractContextManager[ProgressView]]
    ) -> Iterator[Result]:
        """Send each file with a view of its own. If the API does not answer, the other files are not tried."""
        self._all = len(files)
        is_away = False
        for file in files:
            result = self._not_tried(file) if is_away else self._result(file, views)
            is_away = is_away or isinstance(result.error, UnreachableError)
            self._done += 1
            yield result

    def interruption(self) -> str:
        """What Ctrl-C says now."""
        done = f"{count(self._done)} of {count(self._all)} files were done. " if self._done else ""
        return done + self._now

    def _result(self, file: InputFile, views: Callable[[], AbstractContextManager[ProgressView]]) -> Result:
        try:
            with views() as view:
                return Result(file, self.send(file, view))
        except ClientError as error:
            return Result(file, error=error)

    def _not_tried(self, file: InputFile) -> Result:
        return Result(file, error=not_sent("not_tried", "Not sent, because the API does not answer."))
