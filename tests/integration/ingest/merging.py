"""What tests of merging share: collections of many leaves, and what they contain."""

import uuid
from typing import Any

from sqlalchemy import Engine

from shared.ingest.merging.merger import Merging
from shared.ingest.merging.policy import Policy
from shared.settings import Settings
from tests.conftest import REGISTRY
from tests.integration.ingest.test_loader import rows

# Merges any two leaves.
EAGER = Policy(few_leaves=1, most_leaves=1, shortest_run=2)

LEAVES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^movies_[um][0-9]+$' AND {} ORDER BY oid"
_ROWS = "SELECT id, to_jsonb(movies) FROM movies ORDER BY id"


def eager(engine: Engine, settings: Settings, **changes: Any) -> Merging:
    """A merger that merges whatever it can."""
    usual = {"lease_seconds": settings.lease_seconds, "policy": EAGER, "chunk_rows": 7}
    return Merging(engine, REGISTRY, **{**usual, **changes})


def leaves(engine: Engine) -> list[str]:
    """The attached leaves of large uploads."""
    return [name for (name,) in rows(engine, LEAVES.format("relispartition"))]


def unattached(engine: Engine) -> list[str]:
    """Leaves that no reader sees."""
    return [name for (name,) in rows(engine, LEAVES.format("NOT relispartition"))]


def contents(engine: Engine) -> list[Any]:
    """Every row with all of its values."""
    return rows(engine, _ROWS)


def first_id(engine: Engine, upload_id: uuid.UUID) -> int:
    return int(rows(engine, "SELECT first_id FROM uploads WHERE id = :id", id=upload_id)[0][0])
