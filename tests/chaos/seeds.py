"""Chance that can be had again: each purpose has a stream of its own, so that one more draw here moves none there."""

import random


def stream(seed: int, purpose: str) -> random.Random:
    """The same numbers for the same seed and purpose."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311  chance, not secrecy
