"""Passwords that are made once and kept in files that only their owner can read."""

import os
import secrets
from pathlib import Path


def password_in(path: Path) -> str:
    """The password kept in `path`; made and written (mode 0600) if there is none yet."""
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(24)
    write_private(path, password + "\n")
    return password


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, all of it or nothing."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
