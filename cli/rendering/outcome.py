"""What became of a file, in a word, an exit code and a sentence."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from rich.text import Text

from cli.client.client_errors import Json
from cli.rendering.formatting import count, minute, printable
from shared.database.state_machine import ACTIVE_STATES, UploadState

# `imdb-ingest` with these words, as a person would type it.
Command = Callable[..., str]


class Outcome(StrEnum):
    """What became of a file, from the best to the worst."""

    STORED = "stored"
    PLANNED = "planned"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"


# 2 is wrong usage, 130 is Ctrl-C. 1 is the exit code of every command whose request is refused.
EXIT_CODES: Final = {
    Outcome.STORED: 0,
    Outcome.PLANNED: 0,
    Outcome.COMPLETED: 0,
    Outcome.PARTIAL: 3,
    Outcome.FAILED: 4,
    Outcome.REFUSED: 1,
}
STYLES: Final = {
    Outcome.STORED: "cyan",
    Outcome.PLANNED: "cyan",
    Outcome.COMPLETED: "green",
    Outcome.PARTIAL: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.REFUSED: "bold red",
}
_ENDED: Final = {
    UploadState.CANCELLED: "Cancelled: none of its records is loaded.",
    UploadState.UNDONE: "Undone: its records are removed.",
}


def outcome_of(upload: Json) -> Outcome:
    """What became of an upload. A completed one is partial if the API says so, or has rejected some of its records."""
    if upload["state"] in ACTIVE_STATES:
        return Outcome.STORED
    if upload["state"] == UploadState.PLANNED:
        return Outcome.PLANNED
    if upload["state"] != UploadState.COMPLETED:
        return Outcome.FAILED
    is_partial = upload.get("outcome") == Outcome.PARTIAL or upload["records"]["rejected"] > 0
    return Outcome.PARTIAL if is_partial else Outcome.COMPLETED


def exit_code_of(outcomes: Iterable[Outcome]) -> int:
    """The exit code for the worst of them; 0 for none."""
    order = list(Outcome)
    return EXIT_CODES[max(outcomes, key=order.index, default=Outcome.COMPLETED)]


def last_lines(upload: Json, command: Command) -> list[Text]:
    """The outcome as a sentence, with the command that shows more; before it, that the file was loaded already."""
    style = STYLES[outcome_of(upload)]
    earlier = [_already(upload)] if upload.get("deduplicated") else []
    return [*earlier, Text(_sentence(upload, command), style)]


def _sentence(upload: Json, command: Command) -> str:
    records = upload["records"]
    why = f"{_records(records['rejected'])} rejected; to see why: {command('rejects', upload['id'])}"
    match outcome_of(upload):
        case Outcome.STORED:
            return f"Stored; the API loads it. To see how far it is: {command('show', upload['id'])}"
        case Outcome.PLANNED:
            return f"{_plan(upload, command)}{f' {why}' if records['rejected'] else ''}"
        case Outcome.COMPLETED:
            loaded = "" if records["loaded"] == records["read"] else f"{count(records['loaded'])} of "
            return f"Completed: {loaded}{_records(records['read'])} loaded{_repeated(upload, command)}, none rejected."
        case Outcome.PARTIAL:
            repeated = _repeated(upload, command)
            return f"Partial: {count(records['loaded'])} of {_records(records['read'])} loaded{repeated}, {why}"
        case _:
            return f"{_failure(upload)}{f' {why}' if records['rejected'] else ''}"


def _plan(upload: Json, command: Command) -> str:
    counts = upload["counts"]
    new, changed, removed = (count(counts[name]) for name in ("new", "changed", "removed"))
    tag = (upload.get("plan") or {}).get("etag", "*")
    return (
        f"Planned: it would add {new}, change {changed} and remove {removed} of the rows; nobody sees that yet."
        f" To see each change: {command('changes', upload['id'])}"
        f" To apply the plan: {command('apply', upload['id'], '--if-match', tag)}"
        f" To drop it: {command('cancel', upload['id'])}"
    )


def _repeated(upload: Json, command: Command) -> str:
    number = upload["records"]["duplicate"]
    return f", {count(number)} with a repeated key ({command('duplicates', upload['id'])})" if number else ""


def _failure(upload: Json) -> str:
    if upload["state"] in _ENDED:
        return _ENDED[upload["state"]]
    error = upload["error"] or {"code": "unknown", "message": "no reason given"}
    return f"Failed: {printable(error['message'].rstrip('.'))} ({error['code']})."


def _already(upload: Json) -> Text:
    verb = "Being loaded" if upload["state"] in ACTIVE_STATES else "Loaded"
    if upload["state"] == UploadState.PLANNED:
        verb = "Planned"
    earlier = f"upload {upload['id']} of {minute(upload['created_at'])} UTC, {printable(upload['filename'])}"
    return Text(f"{verb} already, as {earlier}. To load the file once more, add --force.", "yellow")


def _records(number: int) -> str:
    return f"{count(number)} {'record' if number == 1 else 'records'}"
