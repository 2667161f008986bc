"""Records of one upload that repeat the key of an earlier one."""

from sqlalchemy import Select, func, select

from shared.database.models import Duplicate
from shared.database.timing.statement_names import named


@named
def duplicates_count(upload_number: int) -> Select[int]:
    """How many there are."""
    return select(func.count()).select_from(Duplicate).where(Duplicate.upload_number == upload_number)


@named
def duplicates_page(upload_number: int, limit: int, offset: int) -> Select[int, int]:
    """Rows of `line_number` and `first_line`, in the order of the file."""
    found = select(Duplicate.line_number, Duplicate.first_line).where(Duplicate.upload_number == upload_number)
    return found.order_by(Duplicate.line_number).limit(limit).offset(offset)
