"""As whom PostgreSQL runs: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stack.stack_errors import StackError

NOBODY = 65534
# In a user namespace of its own a process sees itself as `nobody`, while for files it stays who it was: a data
# directory under /root keeps its owner and its mode 0700.
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", "--")


@dataclass(frozen=True)
class OsUser:
    """How to start a program: `prefix` goes before its command, `uid` (None: ours) is switched to."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a short program to its end, with its output as text."""
        return subprocess.run(
            [*self.prefix, *command],
            user=self.uid,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=300,
        )


def os_user_for(directory: Path, program: Path) -> OsUser:
    """The account that `program` shall use for its data in `directory` (which exists).

    An ordinary user runs it as himself. Root runs it as the directory's owner if that is somebody else, else in a
    user namespace, else (containers often forbid those) gives the directory to `nobody`. Raises `StackError` if the
    account cannot reach the directory or the program.
    """
    owner = directory.stat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise StackError(
                f"{directory} belongs to {_name(owner)}; run as that user or choose another data directory"
            )
        return OsUser()
    if owner == 0 and namespaces_permitted():
        return OsUser(prefix=_NAMESPACE)
    counts = OsUser(uid=owner or NOBODY)
    _require_reach(counts, directory, program)
    if owner == 0:
        give_away(directory, NOBODY)
    return counts


@cache
def namespaces_permitted() -> bool:
    """Whether this machine lets us make a user namespace."""
    if shutil.which(_NAMESPACE[0]) is None:
        return False
    return OsUser(prefix=_NAMESPACE).run(["true"]).returncode == 0


def give_away(directory: Path, uid: int) -> None:
    """Change the owner of a directory and of all that is in it."""
    os.chown(directory, uid, -1)
    for location, directories, files in os.walk(directory):
        for name in (*directories, *files):
            os.chown(Path(location) / name, uid, -1, follow_symlinks=False)


def _require_reach(counts: OsUser, directory: Path, program: Path) -> None:
    user = _name(counts.uid or 0)
    if counts.run(["test", "-e", directory]).returncode != 0:
        raise StackError(
            f"PostgreSQL must not run as root, and {user} cannot reach {directory}: "
            "choose a data directory elsewhere (--data-dir) or run as an ordinary user"
        )
    try:
        works = counts.run([program, "--version"]).returncode == 0
    except PermissionError:
        works = False
    if not works:
        raise StackError(
            f"PostgreSQL must not run as root, and {user} cannot run {program}: "
            "put the project elsewhere or run as an ordinary user"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
