"""Parse rules for cells that hold several values: lists as Python or JSON writes them, and texts with separators."""

import re
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from shared.catalog.rules.basic_rules import INT64_MAX, Repeating, Rule
from shared.catalog.rules.literals import LONGEST_LITERAL_CHARACTERS, literal_list
from shared.csv.invisible import WHITE_SPACE, is_blank

# The objects of TMDB's lists as they nearly always are: a name, and at most one id or code with it. Without escapes
# they mean the same to Python and to JSON. \x1e (record separator) does not occur in these texts.
_SEPARATOR: Final = "\x1e"
_TEXT: Final = r"""(?:'[^'\\\x00-\x1f]*'|"[^"\\\x00-\x1f]*")"""
_CAPTURED_TEXT: Final = r"""(?:'([^'\\\x00-\x1f]*)'|"([^"\\\x00-\x1f]*)")"""
_NAME_KEY: Final = r"""(?:'name'|"name"): """
_ID_KEY: Final = r"""(?:'id'|"id"): """
_NUMBER: Final = r"(?:0|[1-9]\d{0,17})"
_BESIDE: Final = rf"""(?:{_ID_KEY}{_NUMBER}|(?:'iso_639_1'|"iso_639_1"|'iso_3166_1'|"iso_3166_1"): {_TEXT})"""


def _object(name: str) -> str:
    """The pattern of one object; `name` is the pattern of its name's value."""
    return rf"\{{(?:{_BESIDE}, )?{_NAME_KEY}{name}\}}|\{{{_NAME_KEY}{name}, {_BESIDE}\}}"


_OBJECTS: Final = rf"^\[(?:{_object(_TEXT)})(?:, (?:{_object(_TEXT)}))*\]$"
_EACH_OBJECT: Final = rf"\[?(?:{_object(_CAPTURED_TEXT)})(?:, |\])"
# A JSON list of texts without escapes; Python means the same.
_PLAIN_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_PLAIN_TEXTS: Final = rf"^\[{_PLAIN_TEXT}(?:, ?{_PLAIN_TEXT})*\]$"
_FIRST_ID: Final = rf"^\[\{{(?:{_NAME_KEY}{_TEXT}, )?{_ID_KEY}(?P<id>{_NUMBER})[,}}]"


class ListLiteral(Repeating):
    """A list of strings, as Python or as JSON writes it."""

    name = "list of text"
    code = "not_a_list"
    message = "must be a list of strings, as Python or JSON writes it (['English', 'Français'])"
    type = pa.list_(pa.string())

    @override
    def parse(self, text: str) -> list[str]:
        return _texts(literal_list(text))

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.and_(_is_short(column), pc.match_substring_regex(column, _PLAIN_TEXTS))
        inner = pc.utf8_slice_codeunits(pc.if_else(plain, column, None), 2, -2)
        return pc.split_pattern(pc.replace_substring_regex(inner, '", ?"', _SEPARATOR), _SEPARATOR), plain


class Names(Repeating):
    """The names in a list of objects (`[{'id': 16, 'name': 'Animation'}]`), as Python or as JSON writes it."""

    name = "list of objects"
    code = "not_a_list"
    message = "must be a list of objects, as Python or JSON writes it ([{'id': 16, 'name': 'Animation'}])"
    type = pa.list_(pa.string())

    @override
    def parse(self, text: str) -> list[str]:
        return _texts([item.get("name") for item in _objects(text)])

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = _are_plain_objects(column)
        # Each object leaves its name, in either quoting and either order; the other groups are empty. The last
        # separator is removed.
        names = pc.replace_substring_regex(pc.if_else(plain, column, None), _EACH_OBJECT, rf"\1\2\3\4{_SEPARATOR}")
        names = pc.binary_replace_slice(names, -1, 2**31 - 1, "")
        return pc.split_pattern(names, _SEPARATOR), plain


class FirstId(Repeating):
    """The id of the first object in a list (`[{'id': 16, 'name': 'Animation'}]`); null for an empty list."""

    name = "list of objects"
    code = "not_a_list"
    message = Names.message
    type = pa.int64()

    @override
    def parse(self, text: str) -> int | None:
        objects = _objects(text)
        if not objects:
            return None
        value = objects[0].get("id")
        if type(value) is not int or abs(value) > INT64_MAX:
            raise ValueError
        return value

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        found = pc.struct_field(pc.extract_regex(column, _FIRST_ID), "id")
        plain = pc.and_(_are_plain_objects(column), pc.is_valid(found))
        return pc.cast(pc.if_else(plain, found, None), pa.int64()), plain


class Ids(Repeating):
    """The ids of all objects in a list (`[{'id': 31, 'name': 'Tom Hanks'}]`), as text."""

    name = "list of objects"
    code = "not_a_list"
    message = Names.message
    type = pa.list_(pa.string())

    @override
    def parse(self, text: str) -> list[str]:
        return [_id(item) for item in _objects(text)]


class IdsWhere(Ids):
    """The ids of the objects whose `key` has the value `value`, each once (`'job': 'Director'`)."""

    def __init__(self, key: str, value: str) -> None:
        self.key = key
        self.value = value

    @override
    def parse(self, text: str) -> list[str]:
        return list(dict.fromkeys(_id(item) for item in _objects(text) if item.get(self.key) == self.value))


class CommaList(Repeating):
    """Values separated by commas (`Action,Comedy` or `Action, Comedy`)."""

    name = "list of text"
    code = "not_a_list"
    message = "must be values separated by commas (Action, Comedy)"
    type = pa.list_(pa.string())
    separator: ClassVar[str] = ","
    others: ClassVar[frozenset[str]] = frozenset("|[]{}")

    @override
    def parse(self, text: str) -> list[str]:
        if self.others.intersection(text):  # a list in another notation would become one long value
            raise ValueError
        values = [value.strip(WHITE_SPACE) for value in text.split(self.separator)]
        if any(map(is_blank, values)):
            raise ValueError
        return values


class GappyCommaList(CommaList):
    """The same, with commas too many (`, France, Algeria`): they separate nothing."""

    @override
    def parse(self, text: str) -> list[str]:
        return super().parse(",".join(value for value in text.split(",") if not is_blank(value)))


class AnyList(Repeating):
    """Values in any notation that shows itself: a list literal, objects with names, or separated by `|`, `;` or `,`."""

    name = "list of text"
    code = "not_a_list"
    message = "must be a list of text (Action, Comedy, or Action|Comedy, or ['Action', 'Comedy'])"
    type = pa.list_(pa.string())

    @override
    def parse(self, text: str) -> list[str]:
        if text.lstrip().startswith("["):
            return _texts([item.get("name") if isinstance(item, dict) else item for item in literal_list(text)])
        if '"' in text or text.lstrip().startswith("("):  # quotes and brackets that no list of these has
            raise ValueError
        rule = PipeList() if "|" in text else SemicolonList() if ";" in text else CommaList()
        return rule.parse(text)


class IdList(Rule):
    """Ids with the same prefix, separated by commas (`nm0000151,nm0000209`)."""

    name = "list of ids"
    code = "not_a_list"
    type = pa.list_(pa.string())

    def __init__(self, prefix: str) -> None:
        self.message = f"must be ids separated by commas ({prefix}0000151,{prefix}0000209)"
        self._pattern = re.compile(rf"{prefix}\d+", re.ASCII)
        self._plain = rf"^{prefix}\d+(?:,{prefix}\d+)*$"

    @override
    def parse(self, text: str) -> list[str]:
        values = [value.strip(WHITE_SPACE) for value in text.split(",")]
        if not all(map(self._pattern.fullmatch, values)):
            raise ValueError
        return values

    @override
    def convert_plain(self, column: pa.StringArray) -> tuple[pa.Array, pa.BooleanArray]:
        plain = pc.match_substring_regex(column, self._plain)
        return pc.split_pattern(pc.if_else(plain, column, None), ","), plain


class ControlList(CommaList):
    r"""Values separated by the control character \x02 (start of text), as IMDb writes them."""

    message = "must be values separated by the control character U+0002"
    separator = "\x02"
    others = frozenset()


class PipeList(CommaList):
    """Values separated by vertical bars (`Action|Comedy`)."""

    message = "must be values separated by vertical bars (Action|Comedy)"
    separator = "|"
    others = frozenset(",[]{}")


class SemicolonList(CommaList):
    """Values separated by semicolons (`Action; Comedy`)."""

    message = "must be values separated by semicolons (Action; Comedy)"
    separator = ";"
    others = frozenset("|[]{}")


def _are_plain_objects(column: pa.StringArray) -> pa.BooleanArray:
    return pc.and_(_is_short(column), pc.match_substring_regex(column, _OBJECTS))


def _is_short(column: pa.StringArray) -> pa.BooleanArray:
    return pc.less_equal(pc.binary_length(column), LONGEST_LITERAL_CHARACTERS)


def _id(item: dict[Any, Any]) -> str:
    value = item.get("id")
    if type(value) is not int or not 0 <= value <= INT64_MAX:
        raise ValueError
    return str(value)


def _objects(text: str) -> list[dict[Any, Any]]:
    items = literal_list(text)
    if not all(isinstance(item, dict) for item in items):
        raise ValueError
    return items


def _texts(items: list[Any]) -> list[str]:
    """The items, if all of them are strings that PostgreSQL can store."""
    if not all(isinstance(item, str) and _is_storable(item) for item in items):
        raise ValueError
    return items


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
