"""What a later version of a declared dataset may change: it only adds and widens, so every stored row stays right."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from shared.catalog.checks import Between, Check, During, Length, OneOf, OneOfNumbers
from shared.catalog.schemas.constraints import checks_of
from shared.catalog.schemas.declaration import Declaration, Schema
from shared.catalog.schemas.field_types import kind_of
from shared.catalog.schemas.members import require

# The types whose every value is one of these, too.
_WIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "year": ("integer", "number", "string", "any"),
    "integer": ("number", "string", "any"),
    "number": ("string", "any"),
    "boolean": ("string", "any"),
    "date": ("string", "any"),
    **dict.fromkeys(("string", "yearmonth", "time", "duration", "geopoint", "object", "geojson"), ("string", "any")),
    "any": ("string",),
    **dict.fromkeys(("list", "array"), ("list", "array")),
}


def next_version(was: Declaration, wanted: Declaration) -> Declaration:
    """The wanted version, with the fields and indexes of the one before where they are, and the others behind them.

    Raises `InvalidSchema` if a row of the version before could not be one of this.
    """
    described = {field["name"]: field for field in wanted.fields}
    gone = [field["name"] for field in was.fields if field["name"] not in described]
    require(not gone, f"a new version cannot take fields away: {', '.join(gone)}")
    require(wanted.primary_key == was.primary_key, "a new version cannot change the primaryKey")
    missing = [list(index) for index in was.indexes if index not in wanted.indexes]
    require(not missing, f"a new version cannot take indexes away: {missing}")
    for field in was.fields:
        _require_wider(field, described[field["name"]])
    names = {field["name"] for field in was.fields}
    added = [field for field in wanted.fields if field["name"] not in names]
    for field in added:
        is_required = bool(_constraints(field).get("required"))
        require(not is_required, f"{field['name']}: a new field cannot be required, because stored rows lack it")
    return replace(
        wanted,
        fields=(*(described[field["name"]] for field in was.fields), *added),
        indexes=(*was.indexes, *(index for index in wanted.indexes if index not in was.indexes)),
    )


def _require_wider(was: Schema, wanted: Schema) -> None:
    name = was["name"]
    old_type, new_type = was.get("type", "string"), wanted.get("type", "string")
    require(
        old_type == new_type or new_type in _WIDER.get(old_type, ()),
        f"{name}: a new version cannot make {old_type} to {new_type}, because that could lose values",
    )
    is_new = bool(_constraints(wanted).get("required")) and not _constraints(was).get("required")
    before, after = (_checks(each) for each in (was, wanted))
    narrower = [check.message for check in after if not any(_includes(check, earlier) for earlier in before)]
    narrower += ["must not be empty"] if is_new else []
    require(not narrower, f"{name}: a new version cannot narrow its constraints: it {'; it '.join(narrower)}")


def _checks(field: Schema) -> tuple[Check, ...]:
    """Those of its type and format, and those of its constraints."""
    kind = kind_of(field)
    return (*kind.checks, *checks_of(field["name"], kind.rule, _constraints(field)))


def _constraints(field: Schema) -> Schema:
    found: Schema = field.get("constraints", {})
    return found


def _includes(wide: Check, narrow: Check) -> bool:
    """Whether all that the narrow one lets through passes the wide one, as far as both are of one kind."""
    if type(wide) is not type(narrow):
        return False
    if isinstance(wide, Between | During | Length) and isinstance(narrow, Between | During | Length):
        is_low_enough = wide.low is None or (narrow.low is not None and wide.low <= narrow.low)  # type: ignore[operator]
        return is_low_enough and (wide.high is None or (narrow.high is not None and wide.high >= narrow.high))  # type: ignore[operator]
    if isinstance(wide, OneOf | OneOfNumbers) and isinstance(narrow, OneOf | OneOfNumbers):
        return set(narrow.values) <= set(wide.values)
    return wide == narrow


def changed_types(was: Declaration, now: Declaration) -> dict[str, Any]:
    """The columns of the table whose type changes, with the new field type."""
    old, new = (each.dataset(0).table.fields for each in (was, now))
    return {after.name: after.type for before, after in zip(old, new, strict=False) if before.type is not after.type}
