"""Mistakes that somebody could make, by theme, and the tests that must not let them pass."""

from typing import Final

from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs import (
    actions,
    browsing,
    buckets,
    cached_answers,
    callers,
    chart,
    compressions,
    connections,
    contents,
    declared_datasets,
    deployment,
    disclosures,
    followers,
    listings,
    loading,
    manual,
    merging,
    observability,
    operation,
    plans,
    pulling,
    query_times,
    refusals,
    related_rows,
    reloading,
    searching,
    shots,
    spelling,
    tenants,
    write_modes,
)

BUGS: Final[tuple[Bug, ...]] = (
    *(*loading.BUGS, *actions.BUGS, *contents.BUGS, *tenants.BUGS),
    *(*callers.BUGS, *connections.BUGS, *disclosures.BUGS, *deployment.BUGS),
    *(*refusals.BUGS, *compressions.BUGS, *declared_datasets.BUGS, *merging.BUGS),
    *(*write_modes.BUGS, *plans.BUGS, *followers.BUGS, *manual.BUGS, *cached_answers.BUGS),
    *(*reloading.BUGS, *related_rows.BUGS, *shots.BUGS, *browsing.BUGS),
    *(*searching.BUGS, *spelling.BUGS, *listings.BUGS, *chart.BUGS, *query_times.BUGS),
    *(*observability.BUGS, *pulling.BUGS, *buckets.BUGS, *operation.BUGS),
)
