"""Pagila's tables as declared datasets: which columns they have, and of which columns of the dump those are made.

Pagila is PostgreSQL's sample database of a shop that rents films out: https://github.com/devrimgunduz/pagila. The names
are its own. What a client has no use for is left out: passwords and pictures of the staff, and when a row was changed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PREFIX: Final = "pagila."
NULL: Final = r"\N"
LIST_DELIMITER: Final = "|"

_LIST: Final = {"type": "list", "delimiter": LIST_DELIMITER}
_FLAG: Final = {"type": "boolean", "trueValues": ["t"], "falseValues": ["f"]}
# Tables that a dump has in parts.
_PARTS: Final = re.compile(r"(payment)_p\w+")


@dataclass(frozen=True)
class PagilaTable:
    """A table. `fields`: name -> type, or its description as a field of a Table Schema. `indexes`: fields of each."""

    name: str
    title: str
    key: tuple[str, ...]
    fields: Mapping[str, str | Mapping[str, Any]]
    indexes: tuple[tuple[str, ...], ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        """The name of its dataset."""
        return PREFIX + self.name

    @property
    def declaration(self) -> dict[str, Any]:
        """The document that declares its dataset."""
        fields = [
            {"name": name, **({"type": kind} if isinstance(kind, str) else kind), **self._note(name)}
            for name, kind in self.fields.items()
        ]
        schema = {"fields": fields, "primaryKey": list(self.key), "missingValues": [NULL]}
        indexes = [list(index) for index in self.indexes]
        return {"name": self.dataset, "title": self.title, "schema": schema, "indexes": indexes}

    def _note(self, name: str) -> dict[str, str]:
        return {"description": self.notes[name]} if name in self.notes else {}


_PERSON: Final = {"first_name": "string", "last_name": "string"}
_CUSTOMER: Final = {"customer_id": "integer", "store_id": "integer", **_PERSON, "email": "string"}
_STAFF: Final = {"staff_id": "integer", **_PERSON, "address_id": "integer", "email": "string", "store_id": "integer"}

TABLES: Final = (
    PagilaTable("language", "Languages", ("language_id",), {"language_id": "integer", "name": "string"}),
    PagilaTable("category", "Categories of films", ("category_id",), {"category_id": "integer", "name": "string"}),
    PagilaTable("actor", "Actors", ("actor_id",), {"actor_id": "integer", **_PERSON}, (("last_name", "first_name"),)),
    PagilaTable(
        "film",
        "Films",
        ("film_id",),
        {
            "film_id": "integer",
            "title": "string",
            "description": "string",
            "category": "string",
            "release_year": "integer",
            "language_id": "integer",
            "original_language_id": "integer",
            "rental_duration": "integer",
            "rental_rate": "number",
            "length": "integer",
            "replacement_cost": "number",
            "rating": "string",
            "special_features": _LIST,
            "fulltext": _LIST,
        },
        (("title",), ("category", "title"), ("release_year",), ("rating",), ("language_id",)),
        {
            "category": "The name of its first category, by the film_category and category of the dump.",
            "fulltext": "The words of title and description, stemmed by PostgreSQL (`dinosaur`, `stori`).",
        },
    ),
    PagilaTable(
        "film_actor",
        "Who plays in which film",
        ("actor_id", "film_id"),
        {"actor_id": "integer", "film_id": "integer"},
        (("film_id",),),
    ),
    PagilaTable(
        "film_category",
        "Which film is in which categories",
        ("film_id", "category_id"),
        {"film_id": "integer", "category_id": "integer"},
        (("category_id",),),
    ),
    PagilaTable("country", "Countries", ("country_id",), {"country_id": "integer", "country": "string"}),
    PagilaTable(
        "city",
        "Cities",
        ("city_id",),
        {"city_id": "integer", "city": "string", "country_id": "integer"},
        (("country_id",),),
    ),
    PagilaTable(
        "address",
        "Addresses",
        ("address_id",),
        {
            "address_id": "integer",
            **dict.fromkeys(("address", "address2", "district"), "string"),
            "city_id": "integer",
            **dict.fromkeys(("postal_code", "phone"), "string"),
        },
        (("city_id",),),
    ),
    PagilaTable(
        "store",
        "Shops",
        ("store_id",),
        {"store_id": "integer", "manager_staff_id": "integer", "address_id": "integer"},
    ),
    PagilaTable("staff", "People who work there", ("staff_id",), {**_STAFF, "active": _FLAG, "username": "string"}),
    PagilaTable(
        "customer",
        "Customers",
        ("customer_id",),
        {**_CUSTOMER, "address_id": "integer", "activebool": _FLAG, "create_date": "date"},
        (("last_name", "first_name"), ("store_id",)),
    ),
    PagilaTable(
        "inventory",
        "Copies of films, by shop",
        ("inventory_id",),
        {"inventory_id": "integer", "film_id": "integer", "store_id": "integer"},
        (("film_id",),),
    ),
    PagilaTable(
        "rental",
        "Rentals",
        ("rental_id",),
        {
            "rental_id": "integer",
            **dict.fromkeys(("rental_date", "return_date"), "datetime"),
            **dict.fromkeys(("inventory_id", "customer_id", "staff_id"), "integer"),
        },
        (("customer_id", "rental_date"), ("inventory_id",), ("rental_date",)),
    ),
    PagilaTable(
        "payment",
        "Payments",
        ("payment_id", "payment_date"),
        {
            **dict.fromkeys(("payment_id", "customer_id", "staff_id", "rental_id"), "integer"),
            "amount": "number",
            "payment_date": "datetime",
        },
        (("customer_id", "payment_date"), ("rental_id",)),
    ),
)

_BY_NAME: Final = {table.name: table for table in TABLES}


def table_named(name: str) -> PagilaTable | None:
    """The table of a block with this name; None if it is none of Pagila's."""
    part = _PARTS.fullmatch(name)
    return _BY_NAME.get(part[1] if part else name)
