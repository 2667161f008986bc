"""`python -m tools.audit`: known vulnerabilities of the locked packages, from pip-audit's service.

The exit code is 1 if there are any. If the service cannot be reached, the output says SKIPPED and the exit code is 0.
The table of minimum versions in tests/deploy/test_supply_chain.py needs no service and is always checked.
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
    """1 if a package has a known vulnerability, else 0, also if the service could not be reached."""
    return max(_audit(lock) for lock in LOCKS)


def _audit(lock: str) -> int:
    packages = _ask(lock)
    asked = [package for package in packages if "vulns" in package]
    found = [(package, vulnerability) for package in asked for vulnerability in package["vulns"]]
    for package, vulnerability in found:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        _print(f"{lock}: {package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}")
    if len(asked) < len(packages) or not packages:
        unknown = f"{len(packages) - len(asked)} of {len(packages)} packages" if packages else "all packages"
        _print(f"{lock}: SKIPPED: the service could not be asked about {unknown}")
    elif not found:
        _print(f"{lock}: no known vulnerabilities in its {len(packages)} packages")
    return 1 if found else 0


def _ask(lock: str) -> list[dict[str, Any]]:
    """pip-audit's result for each package; [] if it had no result at all."""
    command = [sys.executable, "-m", "pip_audit", *_OPTIONS, f"--timeout={_ANSWER_SECONDS}", f"--requirement={lock}"]
    try:
        done = subprocess.run(  # noqa: S603  the command is ours
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return []
    return packages


def _print(line: str) -> None:
    sys.stdout.write(f"audit: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
