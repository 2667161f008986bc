"""`python -m tools.sbom`: write the SBOM of an installation, from the lock file alone, to stdout: CycloneDX 1.5 (JSON).

A component has the hashes of all of its files, because it depends on the machine which of them pip installs.
"""

import json
import sys
import tomllib
from typing import Any

from tools.lock import ROOT, Locked, locked


def document() -> dict[str, Any]:
    """The packages at run time. It has no time and no serial number: the same lock file gives the same document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": project["name"], "version": project["version"]}},
        "components": [_component(package) for package in locked("requirements.txt")],
    }


def _component(package: Locked) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": f"{package.name}=={package.version}",
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:pypi/{package.name}@{package.version}",
        "hashes": [{"alg": "SHA-256", "content": sha256} for sha256 in package.sha256],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1) + "\n")
