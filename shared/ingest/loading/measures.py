"""What a loader measures of a batch, once that is committed."""

import pyarrow.compute as pc

from shared.ingest.validation.validate import Validated
from shared.observability.metrics import RECORDS_REJECTED, REJECTS, ROWS_LOADED, is_recording, record


def record_batch(validated: Validated, rows: int) -> None:
    """Count the rows that were loaded, and the rejects by code."""
    if not is_recording():
        return
    record(ROWS_LOADED, rows)
    if validated.rejects.num_rows:
        record(RECORDS_REJECTED, validated.rejected)
        for found in pc.value_counts(validated.rejects["code"]).to_pylist():
            record(REJECTS, found["counts"], found["values"])
