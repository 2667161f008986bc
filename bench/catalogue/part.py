"""The measurement: fill, ask both services the same questions in turn, look at the sizes of indexes.

The product keeps no answers here (`INGEST_CACHE_SECONDS=0`), so each question is asked of the database.
"""

from collections.abc import Sequence
from typing import Final

from bench.catalogue.asking import Times, ask, plain_service, ratio
from bench.catalogue.filling import Catalogue, fill, fill_plain
from bench.catalogue.growing import load_into_full
from bench.catalogue.questions import Group, Rows, kinds
from bench.catalogue.sizes import index_sizes
from bench.plan import Plan
from bench.results import Figure, Found, Table, at_least, at_most, percentile
from bench.stand import NO_ANSWERS_KEPT, Stand, running_stand

_DATABASE: Final = "bench_catalogue"
_HEADER: Final = [
    *("question", "asked", "errors", "ping p95", "p50", "p95", "p99"),
    *("both", "p95 of these", "plain p50", "plain p95", "cut", "÷ at p50", "÷ at p95"),
]


def measure(stand: Stand, plan: Plan) -> Found:
    """All of it on a database of its own, which is removed then."""
    stand.database.query(f"CREATE DATABASE {_DATABASE}")
    try:
        url = stand.stack.postgres.url_of(_DATABASE)
        with running_stand(stand.stack.data_dir.parent / "catalogue", url, NO_ANSWERS_KEPT) as full:
            catalogue = Catalogue.of(plan)
            fill(full, catalogue)
            fill_plain(full.database)
            return compare(full, plan, catalogue)
    finally:
        stand.database.query(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
        stand.settle()


def compare(full: Stand, plan: Plan, catalogue: Catalogue) -> Found:
    """Ask both, on a catalogue that is filled."""
    full.settle()
    rows = Rows.drawn(full.database)
    asked = []
    with plain_service(full.stack) as plain:
        for kind in kinds(rows, plan.catalogue_questions):
            asked.append(ask(kind, full.stack.api_url, plain, plan.plain_seconds))
            print(f"  {' | '.join(_cells(asked[-1]))}", flush=True)
            for error in asked[-1].errors[:3]:
                print(f"    {error}", flush=True)
    sizes = index_sizes(full.database)
    grown = load_into_full(full, plan)
    held = f"{catalogue.movies:,} movies, {catalogue.people:,} people, {catalogue.credits:,} credits"
    note = (
        "Milliseconds over HTTP, each question once, in turn, no answer kept. The plain service answers as many of them"
        f" as it can in {plan.plain_seconds:.0f} s a kind, at least one; what it has no answer to within 30 s (`cut`)"
        " counts as 30 s. ÷: its percentile to ours, over the questions that both have answered."
    )
    if plain.restarts:
        note += f" It ended {plain.restarts} times by itself and was started again; what it was asked then is left out."
    return Found(
        [*_figures(plan, held, asked), *grown.figures],
        [Table(f"The catalogue: {held}", _HEADER, [_cells(times) for times in asked], note), *grown.tables, sizes],
    )


def _figures(plan: Plan, held: str, asked: Sequence[Times]) -> list[Figure]:
    of = {group: [times for times in asked if times.kind.group is group] for group in Group}
    searches = of[Group.SEARCH]
    found, pings = ([each for times in searches for each in values(times)] for values in (_ours, _pings))
    errors = sum(len(times.errors) for times in asked)
    return [
        at_most(
            plan,
            f"search on {held}: p95 of the request minus p95 of `/ping`",
            percentile(found, 95) - percentile(pings, 95),
            30,
            " ms",
            digits=1,
        ),
        at_least(plan, "p95 of search, a plain SQLAlchemy service ÷ this one", ratio(searches, 95), 20, digits=0),
        at_least(plan, "p95 of listing, the same", ratio(of[Group.LISTING], 95), 20, digits=0),
        at_most(plan, f"errors of {sum(len(times.ours) for times in asked):,} questions", errors, 0, digits=0),
    ]


def _ours(times: Times) -> list[float]:
    return times.ours


def _pings(times: Times) -> list[float]:
    return times.pings


def _cells(times: Times) -> list[str]:
    ours = (f"{percentile(times.ours, percent):.1f}" for percent in (50, 95, 99))
    cells = [times.kind.name, f"{len(times.ours)}", f"{len(times.errors)}", f"{percentile(times.pings, 95):.1f}", *ours]
    if not times.plain:
        return [*cells, *("-" for _ in _HEADER[len(cells) :])]
    plain = (f"{percentile(times.plain, percent):,.1f}" for percent in (50, 95))
    ratios = (f"{times.ratio(percent):,.0f}" for percent in (50, 95))
    return [*cells, f"{len(times.both)}", f"{percentile(times.both, 95):.1f}", *plain, f"{times.cut}", *ratios]
