"""The tables.

    uploads 1--n batches        what was uploaded, and what of it is done; messages only refer to it
    uploads 1--n rejects        the location, the rule and the value of each rejected record
    uploads 1--n upload_events  its history
    uploads 1--n uploads        `corrects`: rejected records that came back; their rows belong to the corrected upload
    idempotency_keys            a client may send a request twice and gets one upload
    api_keys                    who may do what, where keys are required
    tenant_schedule             when each tenant was last served, for fair scheduling
    movies                      partitioned by id; id = upload number * 2^32 + line number
    upload_totals, movie_totals how many movies there are per year and language, so that no request counts rows

Every table with rows of tenants has policies: a request sees the rows of one tenant (tenancy.py). States are `text`
with a CHECK. No foreign key refers to `movies`, because that would make dropping a partition slow.
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

# Importing all of them here fills `Base.metadata`, with which the migrations are compared.
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
