"""What is wrong with a request, place by place: the first few, and how many others there are.

A request of a few kilobytes can be wrong in a thousand places; its answer is made for a person, and costs little.
"""

from typing import Final

MOST_TOLD: Final = 10
_LONGEST_LOCATION: Final = 100


def location(location: str, message: str, code: str) -> dict[str, str]:
    """One member of a problem's `errors`."""
    return {"location": location[:_LONGEST_LOCATION], "message": message, "code": code}


def others(count: int) -> list[dict[str, str]]:
    """One member of `errors` for all that are not told; none where all are."""
    if count <= 0:
        return []
    verb = "is" if count == 1 else "are"
    return [location("request", f"there {verb} {count:,} more, which this answer does not name", "others")]


def sentence(locations: list[dict[str, str]]) -> str:
    """All of them as a problem's `detail`."""
    return "; ".join(f"{one['location']}: {one['message']}" for one in locations)
