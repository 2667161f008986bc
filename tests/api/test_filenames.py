import pytest

from api.filenames import MAX_NAME_BYTES, clean_filename, filename_of_disposition


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("movies.csv", "movies.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\films.tsv", "films.tsv"),
        ("/", ""),
        ("..", ""),
        (".csv", "csv"),
        ("  spaced name.csv ", "spaced name.csv"),
        ("a\x00b\r\nc.csv", "abc.csv"),
        ("\u202egnp.csv", "gnp.csv"),  # a right-to-left override
        ("Ame\u0301lie.csv", "Amélie.csv"),  # NFC
        ("\ud800.csv", "csv"),  # a lone surrogate
    ],
)
def test_a_name_is_only_a_name(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


def test_a_long_name_keeps_its_extension() -> None:
    name = clean_filename("é" * 400 + ".csv.gz")
    assert name.endswith("é.csv.gz")
    assert MAX_NAME_BYTES - 1 <= len(name.encode()) <= MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="movies.csv"', "movies.csv"),
        ("attachment; filename=movies.csv", "movies.csv"),
        ('attachment; filename="a \\"b\\".csv"', 'a "b".csv'),
        ('attachment; filename="x;y.csv"', "x;y.csv"),
        ("attachment; FILENAME*=UTF-8''Am%C3%A9lie.csv", "Amélie.csv"),
        ("attachment; filename=\"old.csv\"; filename*=utf-8'fr'new%20name.csv", "new name.csv"),
        ("attachment; filename*=iso-8859-1''Am%E9lie.csv", "Amélie.csv"),
        ("attachment; filename*=koi8-r''x.csv; filename=y.csv", "y.csv"),
        ('attachment; filename="Am\u00c3\u00a9lie.csv"', "Amélie.csv"),  # UTF-8 bytes that were read as Latin-1
        ('attachment; filename="Am\u00e9lie.csv"', "Amélie.csv"),  # Latin-1 indeed
        ("filename=bare.csv", "bare.csv"),  # RFC 6266 wants a type first; not all clients know
        ("attachment", None),
        ("", None),
        ('attachment; filename=""', None),
        ("attachment; filename*=nonsense", None),
    ],
)
def test_the_name_in_content_disposition(header: str, name: str | None) -> None:
    assert filename_of_disposition(header) == name
