"""Declared datasets without a database: a field, a declaration, and what loads of a few records."""

from collections.abc import Sequence
from typing import Any

from shared.catalog.schemas.declaration import Declaration
from shared.csv.dialect import Dialect
from shared.csv.reading.read import read_batch
from shared.ingest.validation.validate import Validated, validate
from tests.unit.ingest.destinations import destination


def declaration(*fields: str | dict[str, Any], **members: Any) -> Declaration:
    """With these fields, a name for one of text; `members` of the Table Schema, or of the document."""
    described = [{"name": field} if isinstance(field, str) else field for field in fields]
    schema = {name: members.pop(name) for name in ("primaryKey", "missingValues") if name in members}
    return Declaration.parse({"name": "own", "schema": {"fields": described, **schema}, **members})


def load(declared: Declaration, records: Sequence[Sequence[str]]) -> Validated:
    """What loads of these records, whose header names the fields."""
    dataset = declared.dataset(7)
    header = [field["name"] for field in declared.fields]
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in record) for record in records]
    dialect = Dialect(",", quoting=True, nulls=dataset.nulls)
    read = read_batch("".join(f"{line}\n" for line in lines).encode(), 2, dialect, header)
    columns = dataset.columns_of(header)
    return validate(read, dataset.for_file(columns), columns, destination(dataset, 0), 1)


def load_cells(field: dict[str, Any], cells: Sequence[str]) -> tuple[list[Any], list[tuple[str, str]]]:
    """The values that load of a column of these cells, and the others with the codes of their rejects."""
    found = load(declaration("id", field), [[str(number), cell] for number, cell in enumerate(cells)])
    rejects = [(reject["value"], reject["code"]) for reject in found.rejects.to_pylist()]
    return found.rows["c2"].to_pylist(), rejects
