"""The field types of a Table Schema: for each, what the database stores, and by which rule its cells are read.

https://datapackage.org/standard/table-schema/ describes them. `any`, `time`, `duration`, `geopoint`, `yearmonth` and
`object` are kept as text whose form is checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.catalog.checks import Check, matches
from shared.catalog.rules.basic_rules import Decimal, Flag, IsoDate, Rule, Whole, Year
from shared.catalog.rules.formatted_rules import Day, Number, WholeNumber
from shared.catalog.rules.list_rules import ListLiteral
from shared.catalog.rules.schema_rules import FormattedMoment, JsonObject, Moment, TextList, Words
from shared.catalog.schemas.members import are_words, refuse_others, require
from shared.catalog.table import FieldType
from shared.errors import InvalidSchema

# Those of each field, whatever its type.
_MEMBERS: Final = frozenset(("name", "type", "title", "description", "example", "rdfType", "constraints"))
_MOST_WORDS: Final = 100

_NUMBER: Final = r"-?\d{1,3}(?:\.\d+)?"
_TEXT_FORMATS: Final[Mapping[str, tuple[Check, ...]]] = {
    "default": (),
    "email": (matches("pattern_mismatch", r"[^@\s]+@[^@\s]+", "must be an address of mail (name@host)"),),
    "uri": (matches("pattern_mismatch", r"[A-Za-z][A-Za-z0-9+.-]*:\S+", "must be a URI (https://host/path)"),),
    "uuid": (matches("pattern_mismatch", r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "must be a UUID"),),
    "binary": (matches("pattern_mismatch", r"(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{0,4}={0,2}", "must be base64"),),
}
_TIMES: Final = (matches("not_a_time", r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?", "must be a time (23:59:59)"),)
_MONTHS: Final = (matches("not_a_month", r"\d{4}-(?:0[1-9]|1[0-2])", "must be a month (1999-12)"),)
_DURATIONS: Final = (
    matches(
        "not_a_duration",
        r"-?P(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?",
        "must be a duration (P1Y2M3DT4H5M6S)",
    ),
)
_GEOPOINTS: Final = (matches("not_a_place", rf"{_NUMBER}, ?{_NUMBER}", "must be longitude, latitude (90.5, 45.5)"),)


@dataclass(frozen=True)
class Kind:
    """How a field is stored and read."""

    type: FieldType
    rule: Rule
    checks: tuple[Check, ...] = ()


def kind_of(field: Mapping[str, Any]) -> Kind:
    """The kind of a Table Schema's field; raises `InvalidSchema`, which names the field."""
    name, type_ = field["name"], field.get("type", "string")
    require(
        isinstance(type_, str) and type_ in _KINDS, f"{name}: type must be one of {', '.join(_KINDS)}, not {type_!r}"
    )
    members, make = _KINDS[type_]
    refuse_others(field, _MEMBERS | members, f"{name} ({type_})")
    try:
        return make(field)
    except (ValueError, TypeError) as error:
        raise InvalidSchema(f"{name}: {error}") from error


def _text(field: Mapping[str, Any]) -> Kind:
    format_ = field.get("format", "default")
    require(
        isinstance(format_, str) and format_ in _TEXT_FORMATS,
        f"{field['name']}: format of text must be one of {', '.join(_TEXT_FORMATS)}",
    )
    return Kind(FieldType.TEXT, Rule(), _TEXT_FORMATS[format_])


def _integer(field: Mapping[str, Any]) -> Kind:
    group, is_bare = _string(field, "groupChar", ""), _flag(field, "bareNumber", default=True)
    rule = WholeNumber(group, bare_number=is_bare) if group or not is_bare else Whole()
    return Kind(FieldType.BIGINT, rule)


def _number(field: Mapping[str, Any]) -> Kind:
    decimal, group = _string(field, "decimalChar", "."), _string(field, "groupChar", "")
    is_bare = _flag(field, "bareNumber", default=True)
    is_plain = {"decimalChar", "groupChar"}.isdisjoint(field) and is_bare
    rule = Decimal() if is_plain else Number(decimal, group, bare_number=is_bare)
    return Kind(FieldType.DOUBLE, rule)


def _boolean(field: Mapping[str, Any]) -> Kind:
    words = [field.get(name) for name in ("trueValues", "falseValues")]
    if words == [None, None]:
        return Kind(FieldType.BOOLEAN, Flag())
    defaults = ["true", "True", "TRUE", "1"], ["false", "False", "FALSE", "0"]
    chosen = [default if given is None else given for given, default in zip(words, defaults, strict=True)]
    require(
        all(are_words(each, _MOST_WORDS) for each in chosen),
        f"{field['name']}: trueValues and falseValues must be lists of at most {_MOST_WORDS} texts",
    )
    return Kind(FieldType.BOOLEAN, Words(*chosen))


def _date(field: Mapping[str, Any]) -> Kind:
    format_ = _format(field)
    return Kind(FieldType.DATE, IsoDate() if format_ == "default" else Day(format_))


def _datetime(field: Mapping[str, Any]) -> Kind:
    format_ = _format(field)
    return Kind(FieldType.TIMESTAMP, Moment() if format_ == "default" else FormattedMoment(format_))


def _format(field: Mapping[str, Any]) -> str:
    format_ = field.get("format", "default")
    require(
        isinstance(format_, str) and format_ != "any",
        f"{field['name']}: format must be a text like %d/%m/%Y; `any` would have to guess",
    )
    return str(format_)


def _list(field: Mapping[str, Any]) -> Kind:
    require(field.get("itemType", "string") == "string", f"{field['name']}: the itemType of a list must be string")
    return Kind(FieldType.TEXTS, TextList(_string(field, "delimiter", ",")))


def _string(field: Mapping[str, Any], name: str, default: str) -> str:
    value = field.get(name, default)
    require(isinstance(value, str), f"{field['name']}: {name} must be a text")
    return str(value)


def _flag(field: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = field.get(name, default)
    require(isinstance(value, bool), f"{field['name']}: {name} must be true or false")
    return bool(value)


def _as_text(*checks: Check, rule: Rule | None = None) -> Callable[[Mapping[str, Any]], Kind]:
    return lambda _field: Kind(FieldType.TEXT, rule or Rule(), checks)


_NONE: Final = frozenset[str]()
_KINDS: Final[Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], Kind]]]] = {
    "string": (frozenset(("format",)), _text),
    "integer": (frozenset(("groupChar", "bareNumber")), _integer),
    "number": (frozenset(("decimalChar", "groupChar", "bareNumber")), _number),
    "boolean": (frozenset(("trueValues", "falseValues")), _boolean),
    "date": (frozenset(("format",)), _date),
    "datetime": (frozenset(("format",)), _datetime),
    "year": (_NONE, lambda _field: Kind(FieldType.SMALLINT, Year())),
    "yearmonth": (_NONE, _as_text(*_MONTHS)),
    "time": (_NONE, _as_text(*_TIMES)),
    "duration": (_NONE, _as_text(*_DURATIONS)),
    "geopoint": (_NONE, _as_text(*_GEOPOINTS)),
    "list": (frozenset(("delimiter", "itemType")), _list),
    "array": (_NONE, lambda _field: Kind(FieldType.TEXTS, ListLiteral())),
    "object": (_NONE, _as_text(rule=JsonObject())),
    "geojson": (_NONE, _as_text(rule=JsonObject())),
    "any": (_NONE, _as_text()),
}
TYPES: Final = tuple(_KINDS)
