"""The checker of shared collections finds every kind of corruption, and nothing in what is whole."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from shared.catalog.write_mode import WriteMode
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.settings import Settings
from tests.chaos.checker import Verdict
from tests.chaos.test_checker import execute
from tests.chaos.versions import files
from tests.chaos.versions.checker import VersionChecker
from tests.chaos.versions.clients import VersionRequest
from tests.chaos.versions.files import TITLES, Mode, VersionFile, expect, record
from tests.conftest import REGISTRY, Correct, Intake

PUBLIC_TITLES = replace(TITLES, tenant="public")

# Whose value a key has in which file; in an upsert, the first key comes twice, and one record is bad.
FILES: tuple[tuple[Mode, Mapping[str, int]], ...] = (
    ("append", {"tt1": 1, "tt2": 1, "tt3": 1}),
    ("upsert", {"tt1": 2, "tt2": 1, "tt4": 2}),
    ("replace", {"tt1": 3, "tt2": 1, "tt5": 3}),
    ("upsert", {"tt1": 4, "tt2": 1, "tt6": 4}),
    ("replace", {"tt1": 5}),
)
UNDONE = 5

CORRUPTIONS = {
    "rows lost": "DELETE FROM movies WHERE title = 'From file 4' AND source_id = 'tt1'",
    "rows stay": "INSERT INTO movies (id, tenant, collection, title, source_id) SELECT id, tenant, collection, title,"
    " source_id FROM movies_history WHERE title = 'From file 1' AND source_id = 'tt3'",
    "wrong changes": "UPDATE uploads SET changed_records = changed_records + 1 WHERE mode = 'upsert'",
    "wrong superseded": "UPDATE movies_history SET superseded_by = superseded_by + 1 WHERE title = 'From file 1'",
    "wrong versions": "DELETE FROM collection_versions WHERE change = 'undone'",
    "wrong totals": "UPDATE uploads SET current_records = current_records + 1",
    "wrong rejects": "DELETE FROM duplicates",
    "wrong record counts": "UPDATE uploads SET duplicate_records = 0, read_records = read_records - duplicate_records",
    "wrong state": "UPDATE uploads SET state = 'undone' WHERE state = 'completed'",
    "failed": "UPDATE uploads SET state = 'failed', error_code = 'x', error_message = 'x'",
    "stuck": "UPDATE uploads SET state = 'loading'",
    "lost": "DELETE FROM uploads WHERE mode = 'append'",
    "duplicated": "UPDATE uploads SET sha256 = (SELECT max(sha256) FROM uploads)",
    "extra upload": "UPDATE uploads SET sha256 = 'strange' WHERE mode = 'append'",
    "file lost": "UPDATE uploads SET storage_key = 'elsewhere'",
}


def file_of(number: int, mode: Mode, whose: Mapping[str, int]) -> VersionFile:
    lines = [TITLES.header, *(record(TITLES, key, owner) for key, owner in whose.items())]
    if mode == "upsert":
        lines += [record(TITLES, "tt1", 9), record(TITLES, "tt7", 2, is_bad=True)]
    content = "".join(f"{line}\n" for line in lines).encode()
    return VersionFile(number, PUBLIC_TITLES, mode, content, expect(content, PUBLIC_TITLES))


def request_of(file: VersionFile, upload_id: uuid.UUID, corrects: VersionRequest | None = None) -> VersionRequest:
    return VersionRequest(
        tenant=PUBLIC_TITLES.tenant,
        number=file.number,
        use_celery=True,
        intent="keep",
        status=202,
        upload_id=str(upload_id),
        file=file,
        corrects=corrects,
    )


@pytest.fixture
def requests(engine: Engine, intake: Intake, correct: Correct, loader: Loader) -> list[VersionRequest]:
    """Load the files, undo the last, and correct the one before it."""
    requests = []
    for number, (mode, whose) in enumerate(FILES, start=1):
        file = file_of(number, mode, whose)
        upload_id = intake(file.content, file.name, tenant=PUBLIC_TITLES.tenant, mode=WriteMode(mode))
        loader.load(upload_id, lambda: False)
        request = request_of(file, upload_id)
        if number == UNDONE:
            undo(engine, REGISTRY, upload_id, PUBLIC_TITLES.tenant)
            request.allowed = {"undone"}
        requests.append(request)
    corrected = requests[UNDONE - 2]
    file = files.correct(1, corrected.file)
    upload_id = correct(uuid.UUID(corrected.upload_id), file.content, "rejects.tsv")
    loader.load(upload_id, lambda: False)
    return [*requests, request_of(file, upload_id, corrected)]


@pytest.fixture
def found(settings: Settings, requests: list[VersionRequest]) -> Callable[[str], set[str]]:
    """Corrupt the tables, and tell which kinds of findings there are."""

    def after(statement: str) -> set[str]:
        execute(settings.database_url, statement)
        verdict = Verdict()
        VersionChecker(settings.database_url, settings.upload_dir, PUBLIC_TITLES, requests).check(verdict)
        return {finding.kind for finding in verdict.findings}

    return after


def test_what_is_whole_has_no_finding(found: Callable[[str], set[str]]) -> None:
    assert found("SELECT") == set()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_corruption_is_found(found: Callable[[str], set[str]], kind: str) -> None:
    assert kind in found(CORRUPTIONS[kind])


def test_expectations_are_computed_from_the_bytes() -> None:
    file = file_of(2, *FILES[1])
    assert file.expected.sha256 == hashlib.sha256(file.content).hexdigest()
    assert file.expected.records[2] == ("tt1", "From file 2")
    assert file.expected.repeated == {5: 2}
    assert file.expected.bad == {6: "isAdult"}
