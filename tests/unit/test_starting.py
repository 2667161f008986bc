"""A process starts without what it does not need, and without looking through what stays."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from shared.starting import import_once

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_imported_is_collected_neither_then_nor_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "looking_around.py").write_text("import gc\n\nwas_collecting = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = import_once("looking_around")
    try:
        assert not found.was_collecting
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        del sys.modules["looking_around"]


def test_a_module_that_is_not_there_leaves_collections_on() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_once("shared.not_there")
    gc.unfreeze()
    assert gc.isenabled()


def test_the_client_starts_without_the_libraries_of_servers() -> None:
    """Completion starts it at each press of the Tab key."""
    program = "import sys, cli.program; print({'celery', 'numpy', 'pyarrow', 'sqlalchemy'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True).stdout == b"set()\n"
    )
