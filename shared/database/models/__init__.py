"""The tables.

    uploads 1--n batches        what was accepted, and what of it is done: the truth that messages only point at
    uploads 1--n rejects        each bad record's place, rule and value
    uploads 1--n upload_events  its history
    uploads 1--n uploads        `corrects`: rejected records that came back, whose rows belong to the corrected upload
    idempotency_keys            a client may send a request twice and gets one upload
    api_keys                    who may ask for what, where keys are required
    movies                      partitioned by id; id = upload number * 2^32 + line number
    upload_totals, movie_totals how many movies per year and language, so that no request ever counts rows

Every table with a tenant's rows has policies: a request sees the rows of one tenant (tenancy.py). States are `text` with
a CHECK. No foreign key points at `movies`: it would make dropping a partition slow.
"""

from shared.database.models.base import TENANT_NAME, Base
from shared.database.models.clients import SCOPES, ApiKey, IdempotencyKey, TenantSchedule
from shared.database.models.movies import Movie, MovieTotal, UploadTotal
from shared.database.models.uploads import (
    Batch,
    Reject,
    Upload,
    UploadEvent,
    large_upload_numbers,
    small_upload_numbers,
)

# Importing all of them here fills `Base.metadata`, which migrations are compared with.
__all__ = [
    "SCOPES",
    "TENANT_NAME",
    "ApiKey",
    "Base",
    "Batch",
    "IdempotencyKey",
    "Movie",
    "MovieTotal",
    "Reject",
    "TenantSchedule",
    "Upload",
    "UploadEvent",
    "UploadTotal",
    "large_upload_numbers",
    "small_upload_numbers",
]
