"""Records that people write, change and remove: what is stored, and what undos in any order leave."""

from collections import Counter
from itertools import permutations

import pytest
from sqlalchemy import Engine

from shared.catalog.write_mode import WriteMode
from shared.errors import PreconditionFailed, RecordExists
from shared.ingest.lifecycle.undoing import undo
from shared.ingest.loading.loader import Loader
from shared.ingest.manual.edit import Edit, Edited
from shared.ingest.manual.editing import Editor
from shared.settings import Settings
from tests.conftest import REGISTRY, Intake
from tests.integration.ingest.test_loader import never, rows, upload
from tests.integration.ingest.test_write_modes import check_kept_sums, contents
from tests.integration.ingest.titles import Load, Write

pytestmark = pytest.mark.parametrize("server", ["18"], indirect=True)

APPEND, REPLACE, UPSERT = WriteMode
# in the dataset imdb_top_1000, whose files have no key
TOP = (
    b"Series_Title,Released_Year,Runtime,Genre,IMDB_Rating,Overview,No_of_Votes,Gross\nHeat,1995,170 min,Crime,8,,1,\n"
)


def votes(engine: Engine) -> list[int]:
    """Of each visible movie."""
    return [count for (count,) in rows(engine, "SELECT vote_count FROM movies ORDER BY 1")]


def edit_votes(engine: Engine, editor: Editor, count: int | None) -> Edited:
    """Change the votes of the only movie, which has no key, or remove it."""
    [[target]] = rows(engine, "SELECT id FROM movies")
    values = None if count is None else {"title": "Heat", "vote_count": count}
    return editor.apply(Edit("public", "test-trace", "imdb_top_1000", values, target, has_key=False))


@pytest.fixture
def top(engine: Engine, loader: Loader, intake: Intake) -> None:
    """A movie without a key."""
    loader.load(intake(TOP, "imdb_top_1000.csv"), never)
    assert votes(engine) == [1]


def test_what_a_person_removed_stays_removed(engine: Engine, load: Load, write: Write) -> None:
    """Whatever earlier upload is undone: the row that comes back by that is hidden, until the removal is undone."""
    load({"tt1": "a"}, APPEND)
    upserted = load({"tt1": "b"}, UPSERT)
    removed = write("tt1", None)
    undo(engine, REGISTRY, upserted, "public")
    assert contents(engine) == Counter()
    assert removed.upload_id is not None
    undo(engine, REGISTRY, removed.upload_id, "public")
    assert contents(engine) == Counter({("tt1", "a"): 1})
    check_kept_sums(engine)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_changes_of_a_record_without_a_key_are_undone_in_any_order(
    engine: Engine, editor: Editor, top: None, order: tuple[int, ...]
) -> None:
    del top
    edits = [edit_votes(engine, editor, count) for count in (2, 3, 4)]
    left = {0, 1, 2}
    for which in order:
        upload_id = edits[which].upload_id
        assert upload_id is not None
        undo(engine, REGISTRY, upload_id, "public")
        left.remove(which)
        assert votes(engine) == [max(left) + 2 if left else 1]
        check_kept_sums(engine)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_record_without_a_key_that_is_removed_and_replaced(
    engine: Engine, loader: Loader, intake: Intake, editor: Editor, top: None, order: tuple[int, ...]
) -> None:
    """Change, removal and a file that replaces everything, undone in any order."""
    del top
    edits = [edit_votes(engine, editor, count).upload_id for count in (2, None)]
    replacing = intake(TOP.replace(b",1,", b",9,"), "imdb_top_1000.csv", mode=REPLACE)
    loader.load(replacing, never)
    uploads, left = [*edits, replacing], {0, 1, 2}
    for which in order:
        upload_id = uploads[which]
        assert upload_id is not None
        undo(engine, REGISTRY, upload_id, "public")
        left.remove(which)
        assert votes(engine) == ([9] if 2 in left else [] if 1 in left else [2] if 0 in left else [1])
        check_kept_sums(engine)


def test_a_row_that_is_gone_cannot_be_edited(engine: Engine, editor: Editor, load: Load, write: Write) -> None:
    load({"tt1": "a"}, APPEND)
    [[target]] = rows(engine, "SELECT id FROM movies")
    write("tt1", "b")
    for values in ({"source_id": "tt1", "title": "c"}, None):
        with pytest.raises(PreconditionFailed):
            editor.apply(Edit("public", "test-trace", "title.basics", values, target))
    assert contents(engine) == Counter({("tt1", "b"): 1})
    assert rows(engine, "SELECT count(*) FROM uploads") == [(2,)]


def test_a_key_is_written_once(engine: Engine, editor: Editor, write: Write) -> None:
    write("tt1", "a")
    with pytest.raises(RecordExists):
        editor.apply(Edit("public", "test-trace", "title.basics", {"source_id": "tt1", "title": "b"}))
    assert contents(engine) == Counter({("tt1", "a"): 1})
    assert rows(engine, "SELECT count(*), max(version) FROM collection_versions") == [(1, 1)]


def test_what_is_refused_leaves_no_file(settings: Settings, editor: Editor, write: Write) -> None:
    write("tt1", "a")
    before = {path for path in settings.upload_dir.rglob("*") if path.is_file()}
    assert len(before) == 1
    with pytest.raises(RecordExists):
        editor.apply(Edit("public", "test-trace", "title.basics", {"source_id": "tt1", "title": "b"}))
    write("tt1", "a")  # it changes nothing
    assert {path for path in settings.upload_dir.rglob("*") if path.is_file()} == before


def test_the_stored_file_is_the_record(engine: Engine, settings: Settings, write: Write) -> None:
    edited = write("tt1", 'a "b"\nc')
    assert edited.upload_id is not None
    found = upload(engine, edited.upload_id)
    [content] = [path.read_text() for path in settings.upload_dir.rglob("*") if path.is_file()]
    assert content.splitlines()[0].startswith('"title","original_title"')
    assert '"a ""b""\nc"' in content
    assert (found["kind"], found["filename"], found["content_bytes"]) == ("manual", "manual.csv", len(content))
