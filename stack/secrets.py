"""Passwords: generated once and kept in files that only their owner can read."""

import os
import secrets
from pathlib import Path


def password_in(path: Path) -> str:
    """The password in the file `path`; if there is none yet, generate one and write it (mode 0600)."""
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(24)
    write_private(path, password + "\n")
    return password


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, either completely or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
