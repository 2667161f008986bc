"""How much of everything: the sizes of `make bench`, and smaller ones in proportion."""

from dataclasses import dataclass
from typing import Final, Self

FULL_ROWS: Final = 1_000_000
QUICK_ROWS: Final = 100_000
# Uploads of at least this many rows are large: a table of their own, several batches.
LARGE_ROWS: Final = 20_000


@dataclass(frozen=True)
class Plan:
    """Sizes in rows, bytes, repetitions and seconds; `rows` decides all the others."""

    rows: int
    runs: int
    is_quick: bool
    title_rows: int
    # what is too slow for `rows` loads fewer; its rows/s count
    multi_rows: int
    everyday_rows: int
    uploads_at_once: int
    rows_at_once: int
    intake_bytes: int
    # one upload of the movies file, its records repeated this often
    big_factor: int
    small_files: int
    fill_uploads: int
    fill_rows: int
    listing_requests: int
    # one upload of so many times `rows` titles, and one of principals
    huge_factor: int
    principals_factor: int
    # large uploads of one tenant, each of them a leaf
    merge_uploads: int
    idle_ping_seconds: float
    # of each kind; the plain service answers as many as it can in so many seconds
    catalogue_questions: int
    plain_seconds: float

    @classmethod
    def of(cls, rows: int, runs: int | None, *, is_quick: bool) -> Self:
        """The plan for movies files of `rows` rows."""
        return cls(
            rows=rows,
            runs=runs or (1 if is_quick else 3),
            is_quick=is_quick,
            title_rows=2 * rows,
            multi_rows=rows // (50 if is_quick else 5),
            everyday_rows=rows // (50 if is_quick else 20),
            uploads_at_once=4 if is_quick else 8,
            rows_at_once=max(rows // 10, LARGE_ROWS),
            intake_bytes=1_000 * rows,
            big_factor=3 if is_quick else 10,
            small_files=10 if is_quick else 50,
            fill_uploads=5 if is_quick else 20,
            fill_rows=max(rows // (5 if is_quick else 2), LARGE_ROWS),
            listing_requests=8 if is_quick else 60,
            huge_factor=10 if is_quick else 50,
            principals_factor=5 if is_quick else 20,
            merge_uploads=100 if is_quick else 1_000,
            idle_ping_seconds=1 if is_quick else 10,
            catalogue_questions=20 if is_quick else 100,
            plain_seconds=2 if is_quick else 60,
        )

    @property
    def is_full(self) -> bool:
        """Whether the figures are those that the targets speak of."""
        return self.rows >= FULL_ROWS and self.runs >= 3 and not self.is_quick
