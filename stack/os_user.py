"""The operating system user for PostgreSQL, which refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event

from stack.short_program import run_short
from stack.stack_errors import StackError

NOBODY = 65534
# In a user namespace of its own a process sees itself as `nobody`, but to the file system it is still root: a
# data directory under /root keeps its owner and its mode 0700.
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", "--")


@dataclass(frozen=True)
class OsUser:
    """How to run a program as this user: put `prefix` before its command and switch to `uid` (None: stay)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def run(self, command: Sequence[str | Path], cancelled: Event | None = None) -> subprocess.CompletedProcess[str]:
        """Run a short program and return its result, with its output as text; raises what `run_short` raises."""
        return run_short([*self.prefix, *command], seconds=300, cancelled=cancelled, uid=self.uid)


def os_user_for(directory: Path, program: Path) -> OsUser:
    """The user that runs `program` with its data in `directory` (which exists).

    An ordinary user runs it as itself. Root runs it as the owner of the directory if that is another user, else in a
    user namespace. If that is forbidden, as in many containers, root gives the directory to `nobody`. Raises
    `StackError` if that user cannot reach the directory or the program.
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
    user = OsUser(uid=owner or NOBODY)
    _require_reach(user, directory, program)
    if owner == 0:
        give_away(directory, NOBODY)
    return user


@cache
def namespaces_permitted() -> bool:
    """Whether this machine lets us create a user namespace."""
    if shutil.which(_NAMESPACE[0]) is None:
        return False
    return OsUser(prefix=_NAMESPACE).run(["true"]).returncode == 0


def give_away(directory: Path, uid: int) -> None:
    """Change the owner of a directory and of everything in it."""
    os.chown(directory, uid, -1)
    for location, directories, files in os.walk(directory):
        for name in (*directories, *files):
            os.chown(Path(location) / name, uid, -1, follow_symlinks=False)


def _require_reach(user: OsUser, directory: Path, program: Path) -> None:
    name = _name(user.uid or 0)
    if user.run(["test", "-e", directory]).returncode != 0:
        raise StackError(
            f"PostgreSQL must not run as root, and {name} cannot reach {directory}: "
            "choose a data directory elsewhere (--data-dir) or run as an ordinary user"
        )
    try:
        works = user.run([program, "--version"]).returncode == 0
    except PermissionError:
        works = False
    if not works:
        raise StackError(
            f"PostgreSQL must not run as root, and {name} cannot run {program}: "
            "put the project elsewhere or run as an ordinary user"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
