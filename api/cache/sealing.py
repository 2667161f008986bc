"""Answers as Redis keeps them: encrypted, so that the broker holds no row that others can read.

The key is made of the address of the database with its password: who knows that can read the rows anyway. It is made
slowly, so that a stored answer is no quick way to try passwords. An answer is tied to its name: under another name,
that of another tenant's question, it cannot be opened.
"""

import hashlib
import os
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.responses import Response

_SALT: Final = b"imdb-ingest: answers"
_COST: Final = 2**14
_NONCE_BYTES: Final = 12
_OWN_HEADERS: Final = ("content-length",)


class Seal:
    """Turns answers into bytes and back."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hashlib.scrypt(secret.encode(), salt=_SALT, n=_COST, r=8, p=1, dklen=32))

    def close(self, name: str, answer: Response) -> bytes:
        """The answer's headers and body, for this name only."""
        headers = {header: value for header, value in answer.headers.items() if header not in _OWN_HEADERS}
        nonce = os.urandom(_NONCE_BYTES)
        content = orjson.dumps(headers) + b"\n" + bytes(answer.body)
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def open(self, name: str, sealed: bytes) -> Response | None:
        """The answer; None if it was not closed for this name."""
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            headers, _, body = self._cipher.decrypt(nonce, content, name.encode()).partition(b"\n")
        except (InvalidTag, ValueError):
            return None
        return Response(body, headers=orjson.loads(headers))
