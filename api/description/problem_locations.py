"""The parts of a request that are not valid, one `errors` member each: the first few, and how many more there are.

A request of a few kilobytes can have a thousand mistakes. Its answer is for a person to read, and must be cheap.
"""

from typing import Final

MOST_LISTED: Final = 10
_LONGEST_LOCATION: Final = 100


def field_problem(location: str, message: str, code: str) -> dict[str, str]:
    """One member of a problem's `errors`."""
    return {"location": location[:_LONGEST_LOCATION], "message": message, "code": code}


def not_listed(count: int) -> list[dict[str, str]]:
    """One member of `errors` that says how many mistakes the answer does not list; [] if `count` is 0 or less."""
    if count <= 0:
        return []
    verb = "is" if count == 1 else "are"
    return [field_problem("request", f"there {verb} {count:,} more, not listed here", "others")]


def detail_of(problems: list[dict[str, str]]) -> str:
    """All of them as a problem's `detail`."""
    return "; ".join(f"{problem['location']}: {problem['message']}" for problem in problems)
