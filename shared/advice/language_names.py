"""Names of languages: the code that a cell means, and whether a list of words is a list of languages."""

import re
from typing import Final

# The languages that most films are in, with their names in English and in the language itself.
_LANGUAGE_NAMES: Final = """
en english
fr french français
es spanish español
de german deutsch
it italian italiano
ja japanese 日本語
zh chinese mandarin
ko korean 한국어
pt portuguese português
ru russian русский
hi hindi
ar arabic
nl dutch nederlands
sv swedish svenska
da danish dansk
no norwegian norsk
fi finnish suomi
pl polish polski
tr turkish türkçe
el greek
cs czech
hu hungarian
ro romanian
th thai
he hebrew
uk ukrainian
ta tamil
te telugu
bn bengali
fa persian
id indonesian
vi vietnamese
"""
_LANGUAGES: Final = {
    name: code for code, *names in map(str.split, _LANGUAGE_NAMES.strip().splitlines()) for name in names
}
_REGIONAL: Final = re.compile(r"([A-Za-z]{2})[-_](?:[A-Za-z]{2}|[A-Za-z]{4}|\d{3})")


def language_hint(text: str) -> tuple[str, ...] | None:
    """For a language code. Only known codes count, because `xx` and `jp` look like codes, too."""
    word = text.strip()
    match = _REGIONAL.fullmatch(word)
    code = (match[1] if match else word).lower()
    if code in _LANGUAGES.values():
        return (code,)
    return (_LANGUAGES[code],) if code in _LANGUAGES else None


def are_languages(items: list[str]) -> bool:
    """Whether the items are different languages.

    The comma of `Norwegian, Bokmål` or `Chinese, Mandarin` is part of one name.
    """
    codes = {_LANGUAGES.get(item.casefold()) for item in items}
    return None not in codes and len(codes) == len(items)
