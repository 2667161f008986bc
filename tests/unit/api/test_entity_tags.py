import pytest

from api.cache.entity_tags import names, tag_of

TAG = tag_of("0123456789abcdef" * 4)


def test_a_tag_is_weak_and_names_the_answer() -> None:
    assert TAG == 'W/"0123456789abcdef0123456789abcdef"'
    assert tag_of("1" * 64) != tag_of("2" * 64)


@pytest.mark.parametrize(
    ("header", "is_named"),
    [
        (TAG, True),
        (TAG.removeprefix("W/"), True),
        (f'"other", {TAG}', True),
        (f'{TAG} , W/"other"', True),
        (None, False),
        ("", False),
        ("*", False),
        ('W/"other"', False),
        (TAG.strip('W/"'), False),
        (TAG[:-2] + '"', False),
    ],
)
def test_a_header_names_a_tag_or_it_does_not(header: str | None, *, is_named: bool) -> None:
    assert names(header, TAG) is is_named
