"""A real nginx with the configuration that docs/SECURITY.md shows."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from socket import create_connection
from typing import Final

from stack.ports import LOCALHOST, free_port
from stack.process import ManagedProcess, Recipe
from tests.conftest import ROOT, absent

NAME: Final = "films.example"
HEADER_SECONDS: Final = 1.0

_BLOCK: Final = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
_AROUND: Final = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {directory}/stored-body;
    proxy_temp_path {directory}/stored-answers;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{shown}}}
"""


def shown() -> str:
    """The block of the document."""
    (block,) = _BLOCK.findall((ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8"))
    return str(block)


class Proxy:
    """On a port of its own in front of `upstream_url`, with all its files in `directory`, run by the tests' user."""

    def __init__(self, directory: Path, upstream_url: str) -> None:
        self.port = free_port()
        self.error_log = directory / "error.log"
        self.access_log = directory / "access.log"
        certificate = _certificate(directory)
        self.context = ssl.create_default_context(cafile=certificate)
        replacements = {
            # a kernel that holds megabytes for a slow reader would hide what nginx does with them
            "listen 443 ssl;": f"listen {LOCALHOST}:{self.port} ssl sndbuf=64k;",
            "http://127.0.0.1:8000;": f"{upstream_url};",
            "/etc/ssl/films.example.pem;": f"{certificate};",
            "/etc/ssl/private/films.example.key;": f"{certificate.with_suffix('.key')};",
            "/var/log/nginx/films.log ": f"{self.access_log} ",
            # no test waits for ten seconds
            "client_header_timeout 10s;": f"client_header_timeout {HEADER_SECONDS:.0f}s;",
        }
        configuration = directory / "nginx.conf"
        configuration.write_text(_AROUND.format(directory=directory, shown=_replaced(shown(), replacements)))
        self.check = ""  # what `nginx -t` says
        self._stores = [directory / "stored-body", directory / "stored-answers"]
        self._command = [_program(), "-e", str(self.error_log), "-p", str(directory), "-c", str(configuration)]
        self._process = ManagedProcess(
            Recipe(
                name="nginx",
                command=self._command,
                log_path=directory / "output.log",
                pid_path=directory / "run" / "nginx.pid",
            )
        )

    def start(self) -> None:
        """Return when it takes connections. From then on it has no directory to store a body or an answer in."""
        # it makes those directories, too
        checked = subprocess.run([*self._command, "-t"], check=False, capture_output=True, text=True)
        self.check = checked.stderr
        self._process.start()
        self._process.wait_until(self._answers, 10)
        for store in self._stores:
            store.rmdir()

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def connect(self, source: str = LOCALHOST) -> ssl.SSLSocket:
        """A connection from an address of this machine's, with a limit to waiting."""
        raw = create_connection((LOCALHOST, self.port), timeout=15, source_address=(source, 0))
        return self.context.wrap_socket(raw, server_hostname=NAME)

    def _answers(self) -> bool:
        try:
            with self.connect():
                return True
        except OSError:
            return False


def _program() -> str:
    """nginx, which is not on everybody's path; skips without it."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or absent("nginx")


def _certificate(directory: Path) -> Path:
    """A self-signed one for `NAME` and this machine, with its key beside it."""
    openssl = shutil.which("openssl") or absent("openssl")
    path = directory / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:{LOCALHOST}"),
            *("-out", str(path), "-keyout", str(path.with_suffix(".key"))),
        ],
        check=True,
        capture_output=True,
    )
    return path


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for shown_text, ours in replacements.items():
        assert text.count(shown_text) == 1, shown_text
        text = text.replace(shown_text, ours)
    return text
