"""`python -m tools.sbom`: what an installation consists of, as CycloneDX 1.5 (JSON), to stdout; from the lock alone.

A file's hashes are those of all its builds: which of them an installation takes depends on its machine.
"""

import json
import sys
import tomllib
from typing import Any

from tools.lock import ROOT, Locked, locked


def document() -> dict[str, Any]:
    """The runtime's packages; no time and no serial number, so that the same lock gives the same document."""
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
