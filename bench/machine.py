"""What the numbers were measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    *("fastapi", "uvicorn", "celery", "sqlalchemy", "psycopg2-binary", "asyncpg", "adbc-driver-postgresql"),
    *("pyarrow", "pandas", "pandera", "duckdb"),
)
_GIB: Final = 1024**3


def describe(settings: dict[str, str]) -> dict[str, str]:
    """Machine, versions and the server's settings, each as one line of text."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    server = ", ".join(f"{name} {value}" for name, value in settings.items() if name != "server_version")
    return {
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": settings["server_version"],
        "its settings": server,
        "packages": ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
