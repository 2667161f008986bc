"""Budgets of rejects: a percentage means what people write, not its nearest binary fraction."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shared.ingest.intake.reject_budget import Budget


@given(millionths=st.integers(0, 100_000_000), records=st.integers(0, 10_000_000))
def test_a_percentage_is_exact(millionths: int, records: int) -> None:
    budget = Budget.parse("skip", f"{millionths // 1_000_000}.{millionths % 1_000_000:06}%")
    allowed = Fraction(millionths, 100_000_000) * records
    assert budget.allowed(records) == allowed.__floor__()


def test_fifty_seven_of_ten_thousand() -> None:
    budget = Budget.parse("skip", "0.57%")
    assert not budget.is_exceeded(57, 10_000)
    assert budget.is_exceeded(58, 10_000)
