"""`pg_dump` and `pg_restore`: which of those on this machine fit a server, and how they are run."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from stack.binaries import postgres_bin_dir
from stack.short_program import run_short
from stack.stack_errors import StackError

_DEBIAN: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_ASK_SECONDS: Final = 20
# A dump of a large database takes hours; whoever waits can press Ctrl-C.
_RUN_SECONDS: Final = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PostgresProgram:
    """A client program with the major version that it belongs to."""

    path: Path
    major: int

    def run(self, url: URL | None, *arguments: str | Path) -> str:
        """Run it on a database (None: on none) and return its output; raises `StackError` with what it complains of.

        The password goes by the environment: every user can read command lines.
        """
        environment = dict(os.environ)
        target: list[str] = []
        if url is not None:
            environment["PGPASSWORD"] = url.password or environment.get("PGPASSWORD", "")
            bare = url.set(drivername="postgresql", password=None)
            target = [f"--dbname={bare.render_as_string(hide_password=False)}", "--no-password"]
        command = [self.path, *target, *arguments]
        done = run_short(command, seconds=_RUN_SECONDS, environment=environment)
        if done.returncode != 0:
            raise StackError(f"{self.path.name} failed: {_without(url, done.stderr.strip())}")
        return done.stdout


def program_for(name: str, server_major: int, directory: Path | None = None) -> PostgresProgram:
    """The program `name` of the server's version, or else the next newer one; only in `directory` if that is given.

    Raises `StackError` if there is none: an older one cannot read what a newer server has.
    """
    found = [each for path in _candidates(name, directory) if (each := _asked(path)) is not None]
    fitting = sorted((each for each in found if each.major >= server_major), key=lambda each: each.major)
    if fitting:
        return fitting[0]
    where = f"in {directory}" if directory else "on this machine"
    older = f"only of version {', '.join(str(each.major) for each in found)}" if found else "absent"
    raise StackError(
        f"PostgreSQL {server_major} needs {name} of version {server_major} or newer, which is {older} {where}: "
        "install PostgreSQL's client programs, or name their directory with --programs"
    )


def _candidates(name: str, directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory / name
        return
    with suppress(StackError):  # the extra `local` is not installed
        yield postgres_bin_dir() / name
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)
    yield from sorted(_DEBIAN.glob(f"*/bin/{name}"))


def _asked(path: Path) -> PostgresProgram | None:
    """None if it does not run."""
    if not path.is_file():
        return None
    answer = run_short([path.absolute(), "--version"], seconds=_ASK_SECONDS)
    version = _VERSION.search(answer.stdout)
    return None if version is None else PostgresProgram(path.absolute(), int(version[1]))


def _without(url: URL | None, text: str) -> str:
    """No message shows a password, not even one that the server repeats."""
    return text if url is None or not url.password else text.replace(url.password, "***")
