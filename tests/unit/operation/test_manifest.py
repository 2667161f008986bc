"""The manifest of a backup leads nowhere else."""

import json
from pathlib import Path

import pytest

from cli.backup import manifest
from cli.backup.manifest import BackupFile, Manifest
from shared.errors import InvalidRequest


def written(directory: Path, *paths: str) -> Path:
    files = tuple(BackupFile(path, 0, "") for path in paths)
    Manifest("2026-12-01T00:00:00+00:00", "0.1.0", "a_revision", 18, files, ()).write(directory)
    return directory


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    read = manifest.read(written(tmp_path, "database/toc.dat", "files/0a1b"))
    assert (read.keys, read.revision, read.postgresql) == ({"0a1b": 0}, "a_revision", 18)


@pytest.mark.parametrize("path", ["files/../../etc/passwd", "/etc/passwd", "files/..", "files/a/b", "elsewhere/a"])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be understood"):
        manifest.read(written(tmp_path, path))


def test_a_directory_without_one_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no complete backup"):
        manifest.read(tmp_path)
    (tmp_path / manifest.NAME).write_text("[")
    with pytest.raises(InvalidRequest, match="cannot be understood"):
        manifest.read(tmp_path)
    (tmp_path / manifest.NAME).write_text(json.dumps({"format": 1}))
    with pytest.raises(InvalidRequest, match="cannot be understood"):
        manifest.read(tmp_path)
