"""Strong entity tags (RFC 9110, section 8.8): a client says by them which state of a record it has seen."""

import hashlib

from api.cache.entity_tags import names


def tag_of(body: bytes) -> str:
    """The tag of an answer with this body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_match(if_match: str, tag: str) -> bool:
    """Whether If-Match names this tag. Weak tags never match."""
    return any(each.strip() in ("*", tag) for each in if_match.split(","))


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether If-None-Match names the tag of a record that there is, compared weakly: the client has it already."""
    return if_none_match == "*" or names(if_none_match, tag)
