"""What an API key looks like: `imdb_<id>_<secret>_<checksum>`.

The id is public: the database, logs and lists contain it. The secret has 256 random bits, so it cannot be guessed from
its SHA-256. A slow hash is for passwords; here it would only slow down each request. The prefix lets scanners find keys
that were published by mistake. The checksum detects typing errors without a query to the database.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43  # 62^43 > 2^256
_CHECKSUM_LENGTH: Final = 6  # 62^6 > 2^32
_KEY: Final = re.compile(
    rf"imdb_([0-9A-Za-z]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})_([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
# Not the hash of any secret: a key with an unknown id is verified in the same way as any other.
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its holder has it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What a client sends."""
        body = f"imdb_{self.id}_{self.secret}"
        return f"{body}_{_checksum(body)}"

    @property
    def secret_hash(self) -> bytes:
        """What the database stores: 32 bytes."""
        return hashlib.sha256(self.secret.encode("ascii")).digest()

    def verify(self, stored_hash: bytes | None) -> bool:
        """Whether the stored hash belongs to this secret; None means that there is no key with this id.

        It always takes the same time.
        """
        is_equal = hmac.compare_digest(self.secret_hash, stored_hash or _NO_HASH)
        return is_equal and stored_hash is not None


def make_key() -> Key:
    """A new key from the system's source of randomness."""
    return Key(_random(_ID_LENGTH), _random(_SECRET_LENGTH))


def parse_key(text: str) -> Key | None:
    """The key in the text; None if it has another form, or if its checksum shows a wrong character."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    key = Key(found[1], found[2])
    return key if key.text == text else None


def _random(length: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
