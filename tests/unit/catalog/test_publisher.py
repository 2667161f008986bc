import pytest

from shared.catalog.publisher import Publisher, publisher_of
from tests.conftest import REGISTRY


@pytest.mark.parametrize(
    ("source_id", "of_dataset", "expected"),
    [
        ("tt0000001", Publisher.IMDB, Publisher.IMDB),
        ("tt0000001", None, Publisher.IMDB),
        ("862", Publisher.TMDB, Publisher.TMDB),
        ("862", None, None),
        ("tt", None, None),
        ("tt1 ", None, None),
        ("xtt1", None, None),
        ("tt\u0661", None, None),
        (None, Publisher.TMDB, None),
    ],
)
def test_an_id_tells_its_publisher_or_its_dataset_does(
    source_id: str | None, of_dataset: Publisher | None, expected: Publisher | None
) -> None:
    assert publisher_of(source_id, of_dataset) is expected


def test_tables_beside_movies_belong_to_a_publisher_unless_their_ids_are_movielens_own() -> None:
    without = {dataset.table.name for dataset in REGISTRY if dataset.publisher is None} - {"movies"}
    assert without == {"links", "tags", "user_ratings"}
