"""`python -m tools.audit`: known weaknesses of the locked packages, as pip-audit's service knows them.

Exit code 1 for any. Where the service cannot be asked that is said in so many words, and is no error: what always runs
is the table of least versions in tests/deploy/test_supply_chain.py.
"""

import json
import subprocess
import sys
from typing import Any, Final

from tools.lock import LOCKS, ROOT

_ANSWER_SECONDS: Final = 10
_LONGEST_SECONDS: Final = 300
_OPTIONS: Final = ("--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off")


def main() -> int:
    """0 if nothing is known against any package, or nobody could be asked; else 1."""
    return max(_audit(lock) for lock in LOCKS)


def _audit(lock: str) -> int:
    packages = _ask(lock)
    asked = [package for package in packages if "vulns" in package]
    found = [(package, weakness) for package in asked for weakness in package["vulns"]]
    for package, weakness in found:
        fixed = ", ".join(weakness["fix_versions"]) or "no version yet"
        _tell(f"{lock}: {package['name']} {package['version']}: {weakness['id']}, fixed in {fixed}")
    if len(asked) < len(packages) or not packages:
        unknown = f"{len(packages) - len(asked)} of {len(packages)} packages" if packages else "all packages"
        _tell(f"{lock}: SKIPPED: the service that knows weaknesses could not be asked about {unknown}")
    elif not found:
        _tell(f"{lock}: nothing is known against its {len(packages)} packages")
    return 1 if found else 0


def _ask(lock: str) -> list[dict[str, Any]]:
    """What pip-audit says of each package; nothing, if it could not even begin."""
    command = [sys.executable, "-m", "pip_audit", *_OPTIONS, f"--timeout={_ANSWER_SECONDS}", f"--requirement={lock}"]
    try:
        done = subprocess.run(  # noqa: S603  the command is ours
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return []
    return packages


def _tell(line: str) -> None:
    sys.stdout.write(f"audit: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
