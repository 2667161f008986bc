"""The constraints of a Table Schema's field as checks of its values."""

import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.catalog.checks import Between, Check, During, Length, Matches, OneOf, OneOfNumbers
from shared.catalog.rules.basic_rules import Rule
from shared.catalog.schemas.members import are_words, refuse_others, require

_CONSTRAINTS: Final = frozenset(
    ("required", "unique", "minimum", "maximum", "minLength", "maxLength", "pattern", "enum")
)
_MOST_WORDS: Final = 1_000
_LONGEST_PATTERN: Final = 500
_LONGEST_SHOWN: Final = 200
_NUMBERS: Final = (pa.int64(), pa.float64())
_GREATEST: Final = sys.float_info.max


def checks_of(name: str, rule: Rule, constraints: Any) -> tuple[Check, ...]:
    """The checks for a column with this rule; `required` and `unique` are none. Raises `InvalidSchema`."""
    require(isinstance(constraints, dict), f"constraints of {name} must be an object")
    refuse_others(constraints, _CONSTRAINTS, f"constraints of {name}")
    for flag in ("required", "unique"):
        require(isinstance(constraints.get(flag, False), bool), f"{name}: {flag} must be true or false")
    return (
        *_range(name, rule, constraints),
        *_length(name, rule, constraints),
        *_enum(name, rule, constraints),
        *_pattern(name, rule, constraints),
    )


def _range(name: str, rule: Rule, constraints: Mapping[str, Any]) -> Iterator[Check]:
    low, high = constraints.get("minimum"), constraints.get("maximum")
    if low is None and high is None:
        return
    shown = f"must be from {'any value' if low is None else low} to {'any value' if high is None else high}"
    if rule.type in _NUMBERS:
        _require_numbers(name, low, high)
        _require_order(name, low, high)
        yield Between(code="out_of_range", message=shown, low=float("-inf") if low is None else low, high=high)
        return
    is_ordered = pa.types.is_date(rule.type) or pa.types.is_timestamp(rule.type)
    require(is_ordered, f"{name}: minimum and maximum must be numbers, and of a column of numbers, or dates, of dates")
    limits = [None if limit is None else _moment(name, rule, limit) for limit in (low, high)]
    _require_order(name, *limits)
    yield During(code="out_of_range", message=shown, low=limits[0], high=limits[1])


def _require_numbers(name: str, *values: Any) -> None:
    """Raise `InvalidSchema` unless they are numbers that a double holds exactly: columns are compared as doubles."""
    for value in values:
        require(value is None or type(value) in (int, float), f"{name}: minimum, maximum and enum must be numbers")
        is_exact = value is None or (abs(value) <= _GREATEST and float(value) == value)
        require(is_exact, f"{name}: the number {str(value)[:_LONGEST_SHOWN]} is not exact in a double")


def _require_order(name: str, low: Any, high: Any) -> None:
    is_range = low is None or high is None or low <= high
    require(is_range, f"{name}: the lower limit is above the upper one, so nothing could pass")


def _moment(name: str, rule: Rule, limit: Any) -> date | datetime:
    """A limit in the notation of the column's own cells, as Table Schema has it, or in ISO 8601."""
    require(isinstance(limit, str), f"{name}: minimum and maximum must be texts that are values of the column")
    kind = date if pa.types.is_date(rule.type) else datetime
    for parse in (rule.parse, kind.fromisoformat):
        try:
            found = parse(limit)
        except ValueError:
            continue
        require(not isinstance(found, datetime) or found.tzinfo is not None, f"{name}: {limit} needs a zone")
        assert isinstance(found, date)
        return found
    require(False, f"{name}: {limit[:_LONGEST_SHOWN]} is no value of the column")
    raise AssertionError


def _length(name: str, rule: Rule, constraints: Mapping[str, Any]) -> Iterator[Check]:
    low, high = constraints.get("minLength"), constraints.get("maxLength")
    if low is None and high is None:
        return
    are_counts = all(limit is None or (type(limit) is int and limit >= 0) for limit in (low, high))
    require(
        rule.type == pa.string() and are_counts,
        f"{name}: minLength and maxLength must be whole numbers, and of a column of text",
    )
    _require_order(name, low, high)
    shown = f"must have from {low or 0} to {'any number of' if high is None else high} characters"
    yield Length(code="invalid_length", message=shown, low=low or 0, high=high)


def _enum(name: str, rule: Rule, constraints: Mapping[str, Any]) -> Iterator[Check]:
    if "enum" not in constraints:
        return
    values = constraints["enum"]
    shown = f"must be one of: {', '.join(map(str, values))[:_LONGEST_SHOWN]}" if isinstance(values, list) else ""
    if rule.type in _NUMBERS:
        is_list = isinstance(values, list) and 0 < len(values) <= _MOST_WORDS
        require(is_list, f"{name}: enum must list 1 to {_MOST_WORDS:,} values")
        _require_numbers(name, *values)
        yield OneOfNumbers(code="not_in_enum", message=shown, values=tuple(values))
        return
    require(
        rule.type == pa.string() and bool(values) and are_words(values, _MOST_WORDS),
        f"{name}: enum must be a list of 1 to {_MOST_WORDS:,} texts, of a column of text",
    )
    yield OneOf(code="not_in_enum", message=shown, values=tuple(values))


def _pattern(name: str, rule: Rule, constraints: Mapping[str, Any]) -> Iterator[Check]:
    if "pattern" in constraints:
        pattern = constraints["pattern"]
        require(
            rule.type == pa.string() and _is_pattern(pattern),
            f"{name}: pattern must be a regular expression as RE2 takes it, of a column of text",
        )
        yield Matches(code="pattern_mismatch", message=f"must match {pattern}", pattern=pattern)


def _is_pattern(pattern: object) -> bool:
    if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN:
        return False
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return False
    return True
