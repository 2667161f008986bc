"""How to correct the text of a cell that should be a number; one function for each code."""

import re
from decimal import Decimal
from typing import Final

from shared.advice.advice import Advice
from shared.catalog.rules import basic_rules
from shared.catalog.rules.publisher_rules import Minutes

_CURRENCIES: Final = {
    **dict.fromkeys(("US$", "$", "USD"), "US dollars"),
    **dict.fromkeys(("€", "EUR"), "euros"),
    **dict.fromkeys(("£", "GBP"), "pounds"),
    **dict.fromkeys(("¥", "JPY"), "yen"),
    **dict.fromkeys(("₹", "INR"), "rupees"),
}
_CURRENCY: Final = "|".join(map(re.escape, _CURRENCIES))
_SCALES: Final = {
    **dict.fromkeys(("k", "K", "thousand"), 1_000),
    **dict.fromkeys(("M", "mn", "million"), 1_000_000),
    **dict.fromkeys(("B", "bn", "billion"), 1_000_000_000),
}
_AMOUNT: Final = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>{_CURRENCY})?\s*(?P<number>[+-]?\d(?:[\d.,'\u2019\s]*\d)?)"
    rf"\s*(?P<scale>{'|'.join(_SCALES)})?\s*(?P<after>{_CURRENCY})?",
    re.ASCII,
)
_ONE_GROUP: Final = re.compile(r"([+-]?[1-9]\d{0,2})([.,])(\d{3})", re.ASCII)
_PERCENTAGE: Final = re.compile(r"(.*\d)\s*%", re.ASCII)
_OUT_OF_TEN: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*/\s*10", re.ASCII)
_OUT_OF_FIVE: Final = re.compile(r"(\d(?:[.,]\d)?)\s*(?:/\s*5|stars?)", re.ASCII)
_EXPONENT: Final = re.compile(r"(\d+)(?:\.(\d+))?[eE]\+?(\d{1,2})", re.ASCII)
_WHOLE: Final = basic_rules.Whole()
_DECIMAL: Final = basic_rules.Decimal()


def whole_hint(text: str) -> Advice:
    """For a whole number."""
    if match := _EXPONENT.fullmatch(text):
        return _of_exponent(match)
    if match := _AMOUNT.fullmatch(text):
        return _of_amount(match)
    return None


def minutes_hint(text: str) -> Advice:
    """For a whole number of minutes."""
    minutes = Minutes().rewritten(text)
    return (minutes,) if minutes.isdecimal() else whole_hint(text)


def number_hint(text: str) -> Advice:
    """For a decimal number."""
    if match := _OUT_OF_TEN.fullmatch(text):
        return (_DECIMAL.rewritten(match[1]),)
    if match := _PERCENTAGE.fullmatch(text):
        return {_DECIMAL.rewritten(match[1]): "if the column is in percent"}
    match = _AMOUNT.fullmatch(text)
    if match is None or match["scale"]:
        return None
    number = _plain_sign(match["sign"] + match["number"])
    if grouped := _ONE_GROUP.fullmatch(number):
        before, mark, after = grouped.groups()
        return (number,) if mark == "." else _either(before, after, "comma")
    return (_DECIMAL.rewritten(number),)


def millions_hint(text: str) -> Advice:
    """For an amount in millions of dollars; what has marks between thousands is more likely not in millions."""
    match = _AMOUNT.fullmatch(text)
    currency = _currency_of(match) if match else None
    if match is None or currency is None or _ONE_GROUP.search(match["number"]) or match["scale"] not in (None, "M"):
        return None
    return {_DECIMAL.rewritten(match["number"]): f"if the column is in {currency}"}


def number_id_hint(text: str) -> Advice:
    """For an id that is a number; programs that read it as a decimal number write it as `862.0`."""
    match = re.fullmatch(r"(\d{1,15})\.0+|(\d+)", text, re.ASCII)
    return (match[1] or match[2],) if match else None


def stars_hint(text: str) -> Advice:
    """For a number of stars, of which there are five."""
    match = _OUT_OF_FIVE.fullmatch(text)
    return (_DECIMAL.rewritten(match[1]),) if match else None


def timestamp_hint(text: str) -> Advice:
    """For seconds since 1970; other programs count milliseconds."""
    match = re.fullmatch(r"(\d{9,10})000", text, re.ASCII)
    return {match[1]: "if the number counts milliseconds"} if match else None


def _of_exponent(match: re.Match[str]) -> Advice:
    """What a spreadsheet may have meant that wrote only the first digits of a whole number."""
    digits, exponent = match[1] + (match[2] or ""), int(match[3]) - len(match[2] or "")
    if exponent < 0:
        return None
    number, half = int(digits) * 10**exponent, 10**exponent // 2
    # below a power of ten the same count of digits is ten times as exact
    low = number - (half // 10 if digits.rstrip("0") == "1" else half)
    if exponent == 0:
        return (str(number),)
    return {str(number): f"if it is exact: Excel writes any number from {low} to {number + half - 1} like that"}


def _of_amount(match: re.Match[str]) -> Advice:
    number = _plain_sign(match["sign"] + match["number"])
    if match["scale"]:
        return _scaled(_DECIMAL.rewritten(number), _SCALES[match["scale"]])
    currency = _currency_of(match)
    if grouped := _ONE_GROUP.fullmatch(number):
        before, mark, after = grouped.groups()
        if mark == ".":
            return _either(before, after, "point")
    number = _WHOLE.rewritten(number)
    return (number,) if currency in (None, "US dollars") else {number: f"if the column is in {currency}"}


def _scaled(number: str, scale: int) -> Advice:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", number):
        return None
    product = Decimal(number) * scale
    return {str(int(product)): "if it is exact"} if product == int(product) else None


def _either(before: str, after: str, mark: str) -> dict[str, str]:
    """Both readings of digits in front of a mark and three digits behind it."""
    as_decimal = before if mark == "point" else f"{before}.{after}"
    decimals = {as_decimal: f"if the {mark} begins the decimals"} if mark == "comma" or after == "000" else {}
    thousands = f"if the {mark} separates thousands"
    if not decimals:
        thousands += " but another whole number if it begins the decimals"
    return {before + after: thousands, **decimals}


def _plain_sign(number: str) -> str:
    return number.removeprefix("+")


def _currency_of(match: re.Match[str]) -> str | None:
    return _CURRENCIES.get(match["before"] or match["after"])
