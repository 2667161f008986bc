"""Mistakes that somebody could make, by theme, and the tests that must not let them pass."""

from typing import Final

from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs import (
    actions,
    callers,
    compressions,
    connections,
    contents,
    declared_datasets,
    deployment,
    disclosures,
    followers,
    loading,
    merging,
    plans,
    refusals,
    tenants,
    write_modes,
)

BUGS: Final[tuple[Bug, ...]] = (
    *(*loading.BUGS, *actions.BUGS, *contents.BUGS, *tenants.BUGS),
    *(*callers.BUGS, *connections.BUGS, *disclosures.BUGS, *deployment.BUGS),
    *(*refusals.BUGS, *compressions.BUGS, *declared_datasets.BUGS, *merging.BUGS),
    *(*write_modes.BUGS, *plans.BUGS, *followers.BUGS),
)
