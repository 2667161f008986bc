"""Small files in the shape of the datasets."""

import csv
import io
from typing import Any

MOVIES_HEADER = (
    "budget homepage original_language original_title overview release_date revenue runtime status title "
    "vote_average vote_count production_company_id genre_id languages"
).split()
TITLES_HEADER = "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres".split()

GOOD_MOVIE = {
    "budget": "30000000.0",
    "homepage": "",
    "original_language": "en",
    "original_title": "A Film",
    "overview": "What happens.",
    "release_date": "1995-10-30",
    "revenue": "373554033.0",
    "runtime": "81",
    "status": "Released",
    "title": "A Film",
    "vote_average": "7.7",
    "vote_count": "5415.0",
    "production_company_id": "3",
    "genre_id": "16",
    "languages": "['English']",
}
GOOD_TITLE = {
    "tconst": "tt0000001",
    "titleType": "short",
    "primaryTitle": "Carmencita",
    "originalTitle": "Carmencita",
    "isAdult": "0",
    "startYear": "1894",
    "endYear": "\\N",
    "runtimeMinutes": "1",
    "genres": "Documentary,Short",
}


def movies(*changes: dict[str, str], header: list[str] = MOVIES_HEADER, end: str = "\r\n") -> bytes:
    """A movies file with a row for each change of the good movie."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(header)
    for change in changes:
        row: dict[str, Any] = GOOD_MOVIE | change
        writer.writerow([row.get(name, "") for name in header])
    return text.getvalue().encode()


def titles(*changes: dict[str, str]) -> bytes:
    """A title.basics file with a row for each change of the good title."""
    rows = [TITLES_HEADER, *([(GOOD_TITLE | change)[name] for name in TITLES_HEADER] for change in changes)]
    return "".join("\t".join(row) + "\n" for row in rows).encode()
