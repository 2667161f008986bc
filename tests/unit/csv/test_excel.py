"""What Excel writes into CSV files besides values."""

import pytest

from shared.csv.excel import excel_text, is_excel_error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('="1917"', "1917"),
        ('="say ""yes"""', 'say "yes"'),
        ('="two\nlines"', "two\nlines"),
        ('=""', ""),
        ('="a"&"b"', None),
        ('="a"b"', None),
        ("=1917", None),
        ('"1917"', None),
        ('="1917', None),
        (' ="1917"', None),
        ("1917", None),
        ("", None),
    ],
)
def test_a_text_that_excel_must_not_take_for_a_number(value: str, text: str | None) -> None:
    assert excel_text(value) == text


def test_cells_that_excel_could_not_compute() -> None:
    errors = "#REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #GETTING_DATA? #WERT! #¡REF! ##### #ПЕРЕМЕННАЯ!"
    assert all(map(is_excel_error, errors.split()))
    assert not any(map(is_excel_error, ("#N/A", "#1", "#", "1#", "#hashtag", "# x!", "What?", "#REF! x", "")))
