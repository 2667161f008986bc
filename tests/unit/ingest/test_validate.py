"""Each rule of each dataset, by the file's own text: which column is blamed, with which code."""

from dataclasses import replace

import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from shared.catalog.pandera_schemas import schema_of
from shared.csv.reading.read import read_batch
from shared.ingest.validation.validate import Validated, validate
from tests.conftest import REGISTRY
from tests.rows import GOOD_ROWS, IMDB_FILES, MOVIES_HEADER, file_of, movies, titles
from tests.unit.catalog.dataset_rules import DATASET_RULES, Rules
from tests.unit.csv.dialects import CSV, TSV
from tests.unit.ingest.destinations import destination

MOVIE_RULES: Rules = [
    ({}, []),
    ({"budget": "-1"}, [("budget", "negative")]),
    ({"budget": "1.5"}, [("budget", "not_a_whole_number")]),
    ({"budget": "$237,000,000"}, [("budget", "not_a_whole_number")]),
    ({"original_language": "EN"}, [("original_language", "invalid_language")]),
    ({"original_language": "english"}, [("original_language", "invalid_language")]),
    ({"original_language": "en\n"}, [("original_language", "invalid_language")]),
    ({"release_date": "2023-02-30"}, [("release_date", "not_a_date")]),
    ({"release_date": "1869-12-31"}, [("release_date", "date_out_of_range")]),
    ({"release_date": "1870-01-01"}, []),
    ({"release_date": "2099-01-01"}, [("release_date", "date_out_of_range")]),
    ({"runtime": "60001"}, [("runtime", "out_of_range")]),
    ({"runtime": "60000"}, []),
    *[({"runtime": text}, [("runtime", "out_of_range")]) for text in ("2147483647", "2147483648", "-2147483649")],
    ({"runtime": "9223372036854775807"}, [("runtime", "out_of_range")]),
    ({"runtime": "9223372036854775808"}, [("runtime", "not_a_whole_number")]),
    ({"vote_count": "9223372036854775807"}, []),
    ({"runtime": "142 min"}, [("runtime", "not_a_whole_number")]),
    ({"status": "released"}, [("status", "unknown_status")]),
    ({"status": "Canceled"}, []),
    ({"title": ""}, [("title", "required")]),
    ({"title": "   "}, [("title", "required")]),
    ({"title": "\u00a0"}, [("title", "required")]),
    ({"title": "\u200b\ufeff \u00ad"}, [("title", "required")]),
    ({"title": "Good\u200bFilm"}, []),
    ({"languages": "['English' 'Deutsch']"}, []),
    ({"title": "NA"}, []),
    ({"title": "null"}, []),
    ({"vote_average": "10.1"}, [("vote_average", "out_of_range")]),
    ({"vote_average": "-0.1"}, [("vote_average", "out_of_range")]),
    ({"vote_average": "NaN"}, [("vote_average", "not_a_number")]),
    ({"languages": "English"}, [("languages", "not_a_list")]),
    ({"languages": "[]"}, []),
    (dict.fromkeys((name for name in MOVIES_HEADER if name != "title"), ""), []),
    (
        {"title": "", "budget": "x", "vote_average": "99"},
        [("budget", "not_a_whole_number"), ("title", "required"), ("vote_average", "out_of_range")],
    ),
]

TITLE_RULES: Rules = [
    ({}, []),
    ({"tconst": "nm0000001"}, [("tconst", "invalid_tconst")]),
    ({"tconst": "\\N"}, [("tconst", "required")]),
    ({"tconst": "tt1x"}, [("tconst", "invalid_tconst")]),
    ({"tconst": "tt\u0663"}, [("tconst", "invalid_tconst")]),
    ({"primaryTitle": "\\N"}, [("primaryTitle", "required")]),
    ({"primaryTitle": ""}, [("primaryTitle", "required")]),
    ({"primaryTitle": '"Quoted" only here'}, []),
    ({"originalTitle": "\\N"}, []),
    ({"isAdult": "2"}, [("isAdult", "not_a_flag")]),
    ({"startYear": "1869"}, [("startYear", "year_out_of_range")]),
    ({"startYear": "2101"}, [("startYear", "year_out_of_range")]),
    ({"startYear": "94"}, [("startYear", "not_a_year")]),
    ({"startYear": "2000", "endYear": "1999"}, [("endYear", "ends_before_start")]),
    ({"startYear": "2000", "endYear": "2000"}, []),
    ({"startYear": "\\N", "endYear": "2000"}, []),
    ({"startYear": "2000", "endYear": "x"}, [("endYear", "not_a_year")]),
    ({"runtimeMinutes": "long"}, [("runtimeMinutes", "not_a_whole_number")]),
    ({"runtimeMinutes": "-3"}, [("runtimeMinutes", "out_of_range")]),
]

RULES = {"movies": MOVIE_RULES, "title.basics": TITLE_RULES, **DATASET_RULES}


def check(content: bytes, dataset: str) -> Validated:
    dialect = replace(TSV if dataset in IMDB_FILES else CSV, nulls=REGISTRY.get(dataset).nulls)
    head, _, body = content.partition(b"\n")
    header = head.decode().strip().split(dialect.delimiter)
    records = read_batch(body, 2, dialect, header)
    found = REGISTRY.get(dataset)
    columns = found.columns_of(header)
    return validate(records, found.for_file(columns), columns, destination(found, first_id=7 * 2**32), 7)


def reasons(validated: Validated) -> list[tuple[str, str]]:
    return sorted((row["column_name"], row["code"]) for row in validated.rejects.to_pylist())


@pytest.mark.parametrize(("change", "expected"), MOVIE_RULES, ids=str)
def test_movies(change: dict[str, str], expected: list[tuple[str, str]]) -> None:
    validated = check(movies({}, change), "movies")
    assert reasons(validated) == expected
    assert (validated.read, validated.rows.num_rows, validated.rejected) == ((2, 2, 0) if not expected else (2, 1, 1))


@pytest.mark.parametrize(("change", "expected"), TITLE_RULES, ids=str)
def test_titles(change: dict[str, str], expected: list[tuple[str, str]]) -> None:
    validated = check(titles({}, change), "title.basics")
    assert reasons(validated) == expected
    assert validated.rows.num_rows == 2 - bool(expected)


@pytest.mark.parametrize(
    ("name", "change", "expected"), [(name, *rule) for name, rules in DATASET_RULES.items() for rule in rules], ids=str
)
def test_datasets_that_people_download(name: str, change: dict[str, str], expected: list[tuple[str, str]]) -> None:
    validated = check(file_of(name, {}, change), name)
    assert reasons(validated) == expected
    assert (validated.read, validated.rows.num_rows) == (2, 2 - bool(expected))


@pytest.mark.parametrize("name", REGISTRY.names)
def test_our_run_of_the_checks_finds_what_panderas_own_finds(name: str) -> None:
    content = file_of(name, *[change for change, _expected in RULES[name]])
    dialect = replace(TSV if name in IMDB_FILES else CSV, nulls=REGISTRY.get(name).nulls)
    head, _, body = content.partition(b"\n")
    header = head.decode().strip().split(dialect.delimiter)
    columns = REGISTRY.get(name).columns_of(header)
    dataset = REGISTRY.get(name).for_file(columns)
    schema = schema_of(dataset)
    records = read_batch(body, 2, dialect, header)
    texts = {column.field: column for column in dataset.columns if column.field in schema.columns}
    typed = {
        field: column.rule.convert(records.table[columns.sources[column.name]].chunk(0))
        for field, column in texts.items()
    }
    frame = pd.DataFrame(
        {field: values.to_pandas().astype(str(schema.columns[field].dtype)) for field, (values, _) in typed.items()}
    )
    with pytest.raises(SchemaErrors) as found:
        schema.validate(frame, lazy=True)
    theirs = {
        (int(row), error.check.name if error.check_output is not None else "required")
        for error in found.value.schema_errors
        for row in (
            error.failure_cases["index"]
            if error.check_output is None
            else error.check_output.index[~error.check_output]
        )
        if not any(row in failed for field, (_values, failed) in typed.items() if field == error.schema.name)
    }
    lines = records.line_numbers.tolist()
    parse_codes = {column.rule.code for column in dataset.columns}
    ours = {(lines.index(reject["line_number"]), reject["code"]) for reject in check(content, name).rejects.to_pylist()}
    assert {(row, code) for row, code in ours if code not in parse_codes} == theirs


def test_every_column_of_every_dataset_is_in_the_good_row() -> None:
    for dataset in REGISTRY:
        good = GOOD_ROWS[dataset.name]
        assert set(dataset.signature_columns) <= set(good)
        if not dataset.is_general:
            assert dataset.columns_of(list(good)).missing == []


def test_a_bad_cell_hides_no_other_bad_row_of_its_column() -> None:
    validated = check(movies({"budget": "x"}, {"budget": "-1"}, {"budget": "y"}, {}), "movies")
    assert [(row["line_number"], row["code"]) for row in validated.rejects.to_pylist()] == [
        (2, "not_a_whole_number"),
        (3, "negative"),
        (4, "not_a_whole_number"),
    ]


def test_a_comma_is_unclear_where_other_numbers_have_decimal_commas() -> None:
    unclear = [{"vote_count": "1,234"}, {"vote_count": "1,234,567"}, {"vote_count": "7"}]
    assert reasons(check(movies(*unclear), "movies")) == []
    beside = check(movies(*unclear, {"vote_average": "7,5"}), "movies")
    assert reasons(beside) == [("vote_count", "not_a_whole_number")]


def test_a_reject_shows_the_text_of_the_file() -> None:
    content = movies({}, {"vote_average": "11.00"})
    reject = check(content, "movies").rejects.to_pylist()[0]
    _, _, records = content.partition(b"\r\n")
    start = records.index(b"\r\n") + 2
    assert reject == {
        "upload_number": 7,
        "line_number": 3,
        "position": 0,
        "column_name": "vote_average",
        "code": "out_of_range",
        "message": "vote_average must be between 0 and 10",
        "value": "11.00",
        "byte_start": start,
        "byte_end": len(records),
    }


def test_ids_hold_upload_and_line() -> None:
    validated = check(movies({"overview": "two\nlines"}, {}), "movies")
    assert validated.rows["id"].to_pylist() == [7 * 2**32 + 2, 7 * 2**32 + 4]


def test_release_is_derived() -> None:
    row = check(movies({}), "movies").rows.to_pylist()[0]
    assert (row["release_year"], row["release_order"]) == (1995, 19951030)
    row = check(titles({}), "title.basics").rows.to_pylist()[0]
    assert (row["release_year"], row["release_order"], row["release_date"]) == (1894, 18940000, None)


def test_unknown_columns_are_kept() -> None:
    header = [*MOVIES_HEADER, "Tagline", "imdb id"]
    validated = check(movies({"Tagline": 'To "infinity"', "imdb id": ""}, {}, header=header), "movies")
    assert validated.rows["extra"].to_pylist() == ['\x01{"Tagline": "To \\"infinity\\""}', None]


def test_columns_may_stand_in_any_order_and_spelling() -> None:
    header = ["Vote Average", *[name for name in MOVIES_HEADER if name != "vote_average"]]
    validated = check(movies({"Vote Average": "99"}, {"Vote Average": "9"}, header=header), "movies")
    assert validated.rows["vote_average"].to_pylist() == [9.0]
    assert reasons(validated) == [("Vote Average", "out_of_range")]
