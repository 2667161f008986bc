"""Choose between two media types by the header Accept (RFC 9110)."""

from fastapi import Request


def prefers(request: Request, wanted: str, default: str) -> bool:
    """Whether Accept gives `wanted` more weight than `default`, or the same weight and names it first."""
    weights = _weights(request.headers.get("accept", ""))
    names = list(weights)
    if wanted not in weights or weights[wanted] == 0:
        return False
    rival = next((name for name in (default, "application/*", "*/*") if name in weights), None)
    if rival is None or weights[wanted] > weights[rival]:
        return True
    # Equal weights: a wildcard beside a named type is only the fallback that most clients add.
    is_named_first = rival != default or names.index(wanted) < names.index(rival)
    return weights[wanted] == weights[rival] and is_named_first


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name] = next((_weight(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
    return weights


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
