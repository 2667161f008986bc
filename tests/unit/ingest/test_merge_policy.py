"""Which leaves are merged: few are left, rows are copied seldom, and nobody's range is built over."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingest.merging.policy import Policy
from shared.ingest.versions.leaves import Leaf

POLICY = Policy()
WIDTH = 2**32


def leaves(*rows: int) -> list[Leaf]:
    return [Leaf(f"u{n}", n * WIDTH, (n + 1) * WIDTH, size) for n, size in enumerate(rows)]


def merged(run: list[Leaf]) -> Leaf:
    return Leaf(f"m{run[0].low}", run[0].low, run[-1].high, sum(leaf.rows for leaf in run))


def settle(present: list[Leaf], policy: Policy = POLICY, reserved: list[int] | None = None) -> tuple[list[Leaf], int]:
    """Merge until nothing is worth it; the leaves, and how many rows were copied."""
    copied = 0
    while run := [*policy.choose(present, reserved or [])]:
        start = present.index(run[0])
        assert present[start : start + len(run)] == run
        assert len(run) > 1
        present = [*present[:start], merged(run), *present[start + len(run) :]]
        copied += present[start].rows
    return present, copied


def test_few_leaves_are_left_alone() -> None:
    assert not POLICY.choose(leaves(*[5] * POLICY.few_leaves))


def test_a_run_of_equal_leaves_is_merged() -> None:
    assert [*POLICY.choose(leaves(*[5] * 9))] == leaves(*[5] * 9)


def test_a_large_leaf_is_not_copied_for_small_ones() -> None:
    present = leaves(1_000, *[5] * 8)
    assert [*POLICY.choose(present)] == present[1:]


def test_the_cheapest_run_comes_first() -> None:
    present = leaves(*[50] * 5, *[5] * 5)
    assert [*POLICY.choose(present)] == present[5:]


def test_unequal_leaves_are_merged_if_they_are_too_many() -> None:
    """Each is larger than all before it, so that no run is worth it."""
    present = leaves(*(3**n for n in range(POLICY.most_leaves + 2)))
    assert [*POLICY.choose(present)] == present[:3]
    assert not POLICY.choose(present[:-2])


def test_a_merge_drops_a_limited_number_of_tables() -> None:
    assert len(POLICY.choose(leaves(*[5] * 1_000))) == POLICY.longest_run


def test_ranges_that_will_be_attached_stay_free() -> None:
    present = [leaf for n, leaf in enumerate(leaves(*[5] * 13)) if n != 4]
    assert [*POLICY.choose(present, [4 * WIDTH])] == present[4:]


def test_leaves_around_reserved_ranges_cannot_be_merged() -> None:
    present = leaves(*[5] * 41)[::2]
    assert not POLICY.choose(present, [leaf.high for leaf in present])


@given(st.lists(st.integers(0, 10**9), max_size=120))
def test_a_collection_has_few_leaves(sizes: list[int]) -> None:
    present = leaves(*sizes)
    settled, _ = settle(present)
    assert len(settled) <= POLICY.most_leaves
    assert sum(leaf.rows for leaf in settled) == sum(sizes)
    assert all(left.high <= right.low for left, right in pairwise(settled))


@given(st.lists(st.integers(0, 10**6), max_size=60), st.sets(st.integers(0, 59)))
def test_no_range_that_will_be_attached_is_covered(sizes: list[int], reserved: set[int]) -> None:
    present = [leaf for n, leaf in enumerate(leaves(*sizes)) if n not in reserved]
    settled, _ = settle(present, reserved=sorted(n * WIDTH for n in reserved))
    assert not [leaf for leaf in settled for n in reserved if leaf.low <= n * WIDTH < leaf.high]


@pytest.mark.parametrize(
    ("policy", "most_copies"),
    [(POLICY, 5), (Policy(few_leaves=4, most_leaves=8), 7)],
    ids=["as it is", "with fewer leaves"],
)
@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=400))
def test_a_row_is_copied_a_few_times(policy: Policy, most_copies: int, sizes: list[int]) -> None:
    """Uploads arrive one by one, and each is followed by what merging then does."""
    present: list[Leaf] = []
    copied = 0
    for leaf in leaves(*sizes):
        present, more = settle([*present, leaf], policy)
        copied += more
    assert copied <= most_copies * sum(sizes)
