"""The outcome as tables."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.chaos.storm import Outcome

# what the table calls it -> kinds of findings that it adds up
VERDICT = {
    "acknowledged uploads lost": ("lost", "file lost"),
    "acknowledged uploads failed": ("failed",),
    "stuck": ("stuck",),
    "uploads with rows lost": ("rows lost", "wrong rows", "wrong rejects"),
    "uploads with rows duplicated": ("rows duplicated", "duplicated", "extra upload"),
    "half-visible observations": ("half visible",),
    "reads of a mix of versions, or of the wrong one": ("mixed versions", "stale version"),
    "rows that a later upload superseded, and still there": ("rows stay",),
    "versions and what they changed": ("wrong versions", "wrong changes", "wrong superseded"),
    "wrong counts": ("wrong record counts", "wrong totals"),
    "left by cancel or undo": ("rows left", "table left"),
    "acknowledged changes not kept": ("wrong state",),
    "orphan files beyond dead requests": ("orphan files",),
    "answers that must not be": ("unexpected answer",),
    "services or processes astray": ("dead service", "did not stop", "process left"),
}


def show(outcome: Outcome, console: Console) -> None:
    """Everything, the verdict last."""
    console.print(_faults(outcome), _work(outcome), _said(outcome))
    for finding in outcome.findings[:60]:
        console.print(f"[bold red]{finding.kind}[/] {finding.where}: {finding.evidence}", highlight=False)
    console.print(_verdict(outcome))
    passed = not outcome.findings
    console.print(f"[bold {'green' if passed else 'red'}]seed {outcome.seed}: {'passed' if passed else 'FAILED'}")


def _faults(outcome: Outcome) -> Table:
    table = Table("fault", "done", "batches in the victim's hands", title=f"seed {outcome.seed}")
    done = Counter(fault.kind for fault in outcome.faults)
    in_hand = Counter(dict.fromkeys(outcome.kinds, 0))
    for fault in outcome.faults:
        in_hand[fault.kind] += len(fault.interrupted)
    for kind in outcome.kinds:
        table.add_row(kind, str(done[kind]), str(in_hand[kind]))
    table.add_row("all", str(done.total()), str(in_hand.total()), style="bold")
    return table


def _work(outcome: Outcome) -> Table:
    requests, verdict, measured = outcome.ledger.attempts, outcome.verdict, outcome.recovery
    acknowledged = sum(request.is_acknowledged for request in requests)
    sent = outcome.versions.requests
    into_shared = Counter("correction" if each.corrects else each.file.mode for each in sent if each.is_acknowledged)
    modes = ", ".join(f"{count} {mode}" for mode, count in sorted(into_shared.items()))
    reads = sum(map(len, outcome.versions.reads.values()))
    states = ", ".join(f"{count} {state}" for state, count in sorted(verdict.states.items()))
    slowest = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in sorted(outcome.ledger.slowest.items()))
    table = Table("what", "how much", title="the work")
    table.add_row("uploads acknowledged", f"{acknowledged} (of {len(requests)} requests)")
    table.add_row("and into shared collections", f"{into_shared.total()} (of {len(sent)}): {modes}")
    table.add_row("versions of those; superseded rows", f"{verdict.versions}; {verdict.superseded:,}")
    table.add_row("reads that were compared with them", f"{reads:,}")
    table.add_row("their states", states)
    table.add_row("not acknowledged, but stored", str(verdict.ghosts))
    table.add_row("changes acknowledged", ", ".join(f"{count} {what}" for what, count in outcome.meddled.items()))
    table.add_row("rows; rejected records", f"{verdict.rows:,}; {verdict.rejected:,}")
    table.add_row("observations of readers", f"{outcome.ledger.observations:,}")
    table.add_row("fence refusals", str(outcome.said.fence_refusals))
    table.add_row("longest standstill", f"{measured.standstill:.1f} s after {measured.standstill_after}")
    redone = f"{measured.redone:.1f} s after {measured.redone_after} ({measured.interrupted} were)"
    table.add_row("longest until an interrupted batch was done", redone)
    table.add_row("slowest upload, from 202 to completed", f"{measured.slowest:.1f} s")
    table.add_row("settled after the storm", f"{verdict.settled_seconds:.1f} s")
    table.add_row("slowest answers", slowest)
    table.add_row("files of dead requests", str(verdict.orphan_files))
    table.add_row("duration", f"{outcome.seconds:.0f} s")
    return table


def _said(outcome: Outcome) -> Table:
    table = Table("event", "count", title="what the logs say")
    for event, count in outcome.said.events.most_common(40):
        table.add_row(event, str(count))
    return table


def _verdict(outcome: Outcome) -> Table:
    table = Table("must be 0", "is", title="the verdict")
    for name, kinds in VERDICT.items():
        count = sum(outcome.counts[kind] for kind in kinds)
        table.add_row(name, str(count), style="bold red" if count else None)
    return table
