"""What an option may be, as the API names it."""

from enum import StrEnum


class State(StrEnum):
    """The states of an upload."""

    QUEUED = "queued"
    LOADING = "loading"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class SortBy(StrEnum):
    """What the listing can be sorted by."""

    RELEASE_DATE = "release_date"
    VOTE_AVERAGE = "vote_average"


class SortOrder(StrEnum):
    """Up or down; what is unknown stands last in both."""

    ASC = "asc"
    DESC = "desc"


class Scope(StrEnum):
    """What a key is for."""

    READ = "read"
    UPLOAD = "upload"
    ADMIN = "admin"
