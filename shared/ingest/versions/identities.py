"""What names a record for as long as its collection lives: the values of its key, or its id if it has no whole key.

As JSON: a list of values, or a number. So those who follow a collection recognise a record whose row is gone.
"""

from shared.catalog.table import Table


def identity_of(table: Table, alias: str) -> str:
    """SQL for the identity of a row."""
    if not table.key:
        return f"to_jsonb({alias}.id)"
    if {field.name for field in table.fields if field.required} >= {*table.key}:
        return key_of(table, alias)
    has_key = " AND ".join(f"{alias}.{name} IS NOT NULL" for name in table.key)
    return f"CASE WHEN {has_key} THEN {key_of(table, alias)} ELSE to_jsonb({alias}.id) END"


def key_of(table: Table, alias: str) -> str:
    """SQL for the identity of a row that has a whole key."""
    return f"jsonb_build_array({', '.join(f'{alias}.{name}' for name in table.key)})"
