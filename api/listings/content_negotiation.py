"""Which of two media types a client would rather have (RFC 9110, Accept)."""

from fastapi import Request


def prefers(request: Request, wanted: str, default: str) -> bool:
    """Whether `wanted` is named in Accept with more weight than `default`, or as much and before it."""
    weights = _weights(request.headers.get("accept", ""))
    names = list(weights)
    if wanted not in weights or weights[wanted] == 0:
        return False
    rival = next((name for name in (default, "application/*", "*/*") if name in weights), None)
    if rival is None or weights[wanted] > weights[rival]:
        return True
    # As much: a wildcard beside a named type is only the fallback that most clients send along.
    is_named_first = rival != default or names.index(wanted) < names.index(rival)
    return weights[wanted] == weights[rival] and is_named_first


def _weights(intake: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in intake.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name] = next((_weight(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
    return weights


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
