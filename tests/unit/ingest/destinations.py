"""Where rows would land, without a database."""

from shared.catalog.dataset import Dataset
from shared.database.models.collections import Collection
from shared.ingest.work import Destination


def destination(dataset: Dataset, first_id: int) -> Destination:
    """The first collection of the tenant `public`."""
    table = dataset.table
    collection = Collection(
        number=1, tenant="public", dataset=dataset.name, table_name=table.name, branch=f"{table.name}_t1"
    )
    return Destination(table, collection, f"{table.name}_c1", first_id, f"{table.name}_c1")
