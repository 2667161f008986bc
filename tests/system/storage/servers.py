"""Servers of object storage that others wrote: moto speaks Amazon's S3, Azurite Microsoft's blob storage."""

import base64
import hashlib
import hmac
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from stack.host import THIS_MACHINE, Host
from stack.ports import LOCALHOST, free_port
from tests.conftest import ROOT, absent

BUCKET: Final = "stored-files"
AZURITE: Final = ROOT / "build/azurite/node_modules/.bin/azurite-blob"
# Who Azurite knows: documented by Microsoft, and the same everywhere.
AZURITE_USER: Final = "devstoreaccount1"
AZURITE_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class ObjectServer:
    """A running server with one bucket; `at` names it by another address, that of a proxy."""

    scheme: str
    address: str
    prefix: str = "some/prefix"

    @property
    def url(self) -> str:
        """For `INGEST_STORAGE_URL`."""
        return f"{self.scheme}://{BUCKET}/{self.prefix}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What the provider's library reads."""
        if self.scheme == "az":
            return {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": self.address}
        return {
            "AWS_ACCESS_KEY_ID": "key-of-the-tests",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
        }

    def at(self, address: str) -> "ObjectServer":
        """The same server by another address."""
        return replace(self, address=address)


@contextmanager
def moto(directory: Path, host: Host = THIS_MACHINE) -> Iterator[ObjectServer]:
    """Amazon's S3."""
    port = free_port()
    command = [*host.prefix, sys.executable, "-m", "moto.server", "-H", host.address, "-p", str(port)]
    with _running(command, f"http://{host.address}:{port}", directory) as address:
        httpx.put(f"{address}/{BUCKET}", trust_env=False).raise_for_status()
        yield ObjectServer("s3", address)


@contextmanager
def azurite(directory: Path) -> Iterator[ObjectServer]:
    """Microsoft's blob storage."""
    if not AZURITE.exists() or shutil.which("node") is None:
        absent("Azurite (make build/azurite/azurite.stamp)")
    port = free_port()
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    command = [str(AZURITE), "--blobPort", str(port), *options]
    with _running(command, f"http://{LOCALHOST}:{port}", directory) as address:
        _make_container(address)
        yield ObjectServer("az", address)


@contextmanager
def _running(command: list[str], address: str, directory: Path) -> Iterator[str]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(address, trust_env=False)
                break
            except httpx.TransportError:
                assert process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < deadline, "the server of object storage does not answer"
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def _make_container(address: str) -> None:
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    url = f"{address}/{AZURITE_USER}/{BUCKET}"
    signed = [
        "PUT" + "\n" * 11,
        f"x-ms-date:{date}",
        "x-ms-version:2021-12-02",
        f"/{AZURITE_USER}{urlsplit(url).path}",
        "restype:container",
    ]
    digest = hmac.new(base64.b64decode(AZURITE_KEY), "\n".join(signed).encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-12-02",
        "Authorization": f"SharedKey {AZURITE_USER}:{base64.b64encode(digest).decode()}",
    }
    httpx.put(url, params={"restype": "container"}, headers=headers, trust_env=False).raise_for_status()
