"""How many rows of a collection refer to a row that the tenant does not have."""

from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, exists, func, select

from shared.catalog.table import FieldType, Reference, Table
from shared.database.row_tables import sql_table
from shared.database.timing.statement_names import named


@named
def dangling_count(table: Table, target: Table, reference: Reference, tenant: str, collection: int) -> Select[Any]:
    """The rows of the collection with a value of the field that no row of the tenant has in the target.

    The values become rows first: so the planner joins both sides as a whole, instead of a search for each value.
    """
    columns, others = sql_table(table).c, sql_table(target).alias("target").c
    is_list = {field.name: field.type for field in table.fields}[reference.field] is FieldType.TEXTS
    field = columns[reference.field]
    tenant_is: BindParameter[str] = bindparam(
        "tenant", tenant, literal_execute=True
    )  # literals: the planner opens these partitions only
    values = (
        select(columns.id, (func.unnest(field) if is_list else field).label("value"))
        .where(columns.tenant == tenant_is)
        .where(columns.collection == bindparam("collection", collection, literal_execute=True))
        .subquery("named")
    )
    found = exists().where(others.tenant == tenant_is, others[reference.target_field] == values.c.value)
    counted = func.count(values.c.id.distinct()) if is_list else func.count()
    return select(counted).select_from(values).where(values.c.value.is_not(None), ~found)
