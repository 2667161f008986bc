"""A disk that is full while an upload comes in: 507, nothing left behind, and room for the next one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack.local import LocalStack
from tests.conftest import ONE_LOADER, absent
from tests.rows import movies
from tests.system.api.sending import assert_problem
from tests.system.platform.test_main_job import finished, send

DISK_BYTES = 4 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose uploads are on a disk of their own."""
    uploads = tmp_path / "data" / "uploads"
    uploads.mkdir(parents=True)
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        absent("the right to mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(uploads)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        absent("the right to mount a small disk")
    try:
        yield uploads
    finally:
        subprocess.run(["umount", str(uploads)], check=True)


@pytest.mark.parametrize("announced", [True, False], ids=["with_length", "streamed"])
def test_a_full_disk_is_said_and_nothing_is_left(small_disk: Path, tenant: str, *, announced: bool) -> None:
    row = movies({"overview": "x" * 1000}).split(b"\r\n", 1)
    content = row[0] + b"\r\n" + row[1] * (2 * DISK_BYTES // len(row[1]))
    with (
        LocalStack(small_disk.parent, workers=0, settings=ONE_LOADER) as stack,
        httpx.Client(base_url=f"{stack.api_url}/api/v1", timeout=30, trust_env=False) as api,
    ):
        body = content if announced else iter([content[: len(content) // 2], content[len(content) // 2 :]])
        answer = api.put("/upload", params={"filename": "movies.csv", "tenant": tenant}, content=body)
        assert_problem(answer, 507, "storage_full")
        assert list(small_disk.iterdir()) == []
        assert api.get("/uploads", params={"tenant": tenant}).json()["total"] == 0
        upload = send(api, movies({}, {}), "movies.csv", tenant, use_celery=False)
        assert finished(api, upload, tenant)["records"]["loaded"] == 2
