"""The values of options and arguments, as the API names and checks them. (For states the CLI uses `UploadState`.)"""

from enum import StrEnum


class SortBy(StrEnum):
    """The fields by which movies can be sorted."""

    RELEASE_DATE = "release_date"
    VOTE_AVERAGE = "vote_average"
    TITLE = "title"
    POPULARITY = "popularity"
    RUNTIME = "runtime"


class SortOrder(StrEnum):
    """The sort order; movies without a value come last in both orders."""

    ASC = "asc"
    DESC = "desc"


class WriteMode(StrEnum):
    """What a file does to the rows that its dataset has already."""

    APPEND = "append"
    REPLACE = "replace"
    UPSERT = "upsert"


class OnError(StrEnum):
    """What a rejected record does to its upload."""

    SKIP = "skip"
    ABORT = "abort"


class Scope(StrEnum):
    """The scopes of an API key."""

    READ = "read"
    UPLOAD = "upload"
    ADMIN = "admin"
