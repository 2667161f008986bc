"""The pandera schema of each dataset, built from its declarations. The name of a check is the code of its reject.

Numbers are checked as float64 columns (NaN is null). That is enough for ranges, and pandas is fastest with it.
"""

from functools import lru_cache, singledispatch
from typing import Any, Final

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.checks import (
    FIRST_DATE,
    YEARS_AHEAD,
    Between,
    Check,
    During,
    Length,
    Matches,
    MostBytes,
    NotBefore,
    NotBlank,
    OneOf,
    OneOfNumbers,
    ReleaseDay,
)
from shared.catalog.dataset import Column, Dataset
from shared.csv.invisible import HIDDEN, WHITE_SPACE

_DTYPES: Final[dict[pa.DataType, Any]] = {
    pa.int64(): "float64",
    pa.float64(): "float64",
    pa.date32(): "datetime64[s]",
    pa.timestamp("us", tz="UTC"): pd.DatetimeTZDtype(unit="us", tz="UTC"),
    pa.string(): str,
    pa.bool_(): "boolean",
    pa.list_(pa.string()): object,
}


@singledispatch
def _check(check: Check) -> pandera.Check:
    """The check of pandera for a declared one."""
    raise TypeError(type(check))


@_check.register
def _(check: Between) -> pandera.Check:
    if check.high is None:
        return pandera.Check.ge(check.low, name=check.code, error=check.message)
    return pandera.Check.in_range(check.low, check.high, name=check.code, error=check.message)


@_check.register
def _(check: ReleaseDay) -> pandera.Check:
    return pandera.Check(_is_release_day, name=check.code, error=check.message)


@_check.register
def _(check: OneOf) -> pandera.Check:
    return pandera.Check.isin(check.values, name=check.code, error=check.message)


@_check.register
def _(check: Matches) -> pandera.Check:
    # By RE2, whose time is linear: the pattern may come from a client.
    pattern = rf"^(?:{check.pattern})\z"

    def is_match(values: "pd.Series[str]") -> "pd.Series[bool]":
        found = pc.match_substring_regex(pa.array(values, pa.string()), pattern)
        return pd.Series(found.to_numpy(zero_copy_only=False), index=values.index)

    return pandera.Check(is_match, name=check.code, error=check.message)


@_check.register
def _(check: OneOfNumbers) -> pandera.Check:
    return pandera.Check.isin(check.values, name=check.code, error=check.message)


@_check.register
def _(check: During) -> pandera.Check:
    low, high = (None if limit is None else pd.Timestamp(limit) for limit in (check.low, check.high))

    def is_during(values: "pd.Series[Any]") -> "pd.Series[bool]":
        passed = pd.Series(True, index=values.index)
        if low is not None:
            passed &= values >= low
        if high is not None:
            passed &= values <= high
        return passed

    return pandera.Check(is_during, name=check.code, error=check.message)


@_check.register
def _(check: Length) -> pandera.Check:
    return pandera.Check.str_length(check.low, check.high, name=check.code, error=check.message)


@_check.register
def _(check: MostBytes) -> pandera.Check:
    def is_short(values: "pd.Series[str]") -> "pd.Series[bool]":
        lengths = pc.binary_length(pa.array(values, pa.string()))
        return pd.Series(lengths.to_numpy(zero_copy_only=False) <= check.most, index=values.index)

    return pandera.Check(is_short, name=check.code, error=check.message)


@_check.register
def _(check: NotBlank) -> pandera.Check:
    return pandera.Check(_is_not_blank, name=check.code, error=check.message)


def _row_check(check: NotBefore) -> pandera.Check:
    def is_not_before(frame: pd.DataFrame) -> "pd.Series[bool]":
        return ~(frame[check.field] < frame[check.other])

    return pandera.Check(is_not_before, name=check.code, error=check.message)


def _column(column: Column) -> pandera.Column:
    checks = [_check(check) for check in column.checks]
    return pandera.Column(_DTYPES[column.rule.type], checks, nullable=column.is_nullable)


@lru_cache
def schema_of(dataset: Dataset) -> pandera.DataFrameSchema:
    """The schema of a dataset, built once."""
    columns = {column.field: _column(column) for column in dataset.columns if column.checks or not column.is_nullable}
    return pandera.DataFrameSchema(columns, checks=[_row_check(check) for check in dataset.row_checks])


def _is_not_blank(values: "pd.Series[str]") -> "pd.Series[bool]":
    return values.str.strip(WHITE_SPACE + HIDDEN) != ""


def _is_release_day(values: "pd.Series[Any]") -> "pd.Series[bool]":
    return values.between(pd.Timestamp(FIRST_DATE), pd.Timestamp.today() + pd.DateOffset(years=YEARS_AHEAD))


def _register_backends() -> None:
    """Run a check of each kind: pandera's first ones take half a second, which no worker's first batch should wait."""
    positive = pandera.Check.ge(0)
    positive(pd.Series([0.0]))
    positive(pd.DataFrame({"number": [0.0]}))


_register_backends()
