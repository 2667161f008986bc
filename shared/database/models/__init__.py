"""The tables.

    uploads 1--n batches        what was uploaded, and what of it is done; messages only refer to it
    uploads 1--n rejects        the location, the rule and the value of each rejected record
    uploads 1--n duplicates     the lines of records that repeat the key of an earlier record
    uploads 1--n upload_events  its history
    uploads 1--n uploads        `corrects`: rejected records that came back; their rows belong to the corrected upload
    idempotency_keys            a client may send a request twice and gets one upload
    api_keys                    who may do what, where keys are required
    default_files               the file that a tenant loads again when it asks for that
    sources 1--n pulls          addresses that are fetched by schedule; the files that are fetched, also without one
    tenant_schedule             when each tenant was last served, for fair scheduling
    tenant_settings             limits and retention that an operator has decided for a tenant
    datasets 1--n uploads       datasets that tenants have declared
    collections                 a tenant's rows of one dataset: where they are, and how many
    merges, merged_uploads, merge_control   leaves that are merged: which, how far, and whether merging is paused
    collections 1--n collection_versions   what changed in it, in order
    collections 1--n touched_rows   which rows an undo or a correction has touched, for those who follow it
    uploads 1--n row_changes    which rows an upload that replaces or upserts has added, changed and removed
    collections 1--n shots      pictures of movies; shot_totals: how many bytes they have
    upload_totals, collection_totals   how many rows have which values, so that no request counts rows
    vocabulary                  words of titles and names; vocabulary_progress: up to which version of each collection
    movies_superseded, movies_history, ...   rows that later uploads have superseded, see `superseded_rows`
    movies, ...                 the rows; see `shared.catalog.tables` for their columns, `partitions` for where they are

Every table with rows of tenants has policies: a request sees the rows of one tenant (tenancy.py). States are `text`
with a CHECK. No foreign key refers to rows, because that would make dropping a partition
slow.
"""

from shared.database.models.base import TENANT_NAME, Base
from shared.database.models.clients import OPERATOR, SCOPES, ApiKey, DefaultFile, IdempotencyKey, TenantSchedule
from shared.database.models.collections import (
    REJECTED,
    ROWS,
    Change,
    Collection,
    CollectionTotal,
    CollectionVersion,
    TouchedRows,
    UploadTotal,
)
from shared.database.models.declarations import DeclaredDataset
from shared.database.models.merges import Merge, MergeControl, MergedUpload
from shared.database.models.shots import Shot, ShotTotal
from shared.database.models.sources import Pull, PullState, Source
from shared.database.models.tenants import TenantSettings
from shared.database.models.uploads import (
    Batch,
    Duplicate,
    Reject,
    RowChange,
    Upload,
    UploadEvent,
    UploadKind,
    large_first_ids,
    small_first_ids,
    upload_numbers,
)
from shared.database.models.vocabulary import VocabularyProgress, Word

# Importing all of them here fills `Base.metadata`, with which the migrations are compared.
__all__ = [
    "OPERATOR",
    "REJECTED",
    "ROWS",
    "SCOPES",
    "TENANT_NAME",
    "ApiKey",
    "Base",
    "Batch",
    "Change",
    "Collection",
    "CollectionTotal",
    "CollectionVersion",
    "DeclaredDataset",
    "DefaultFile",
    "Duplicate",
    "IdempotencyKey",
    "Merge",
    "MergeControl",
    "MergedUpload",
    "Pull",
    "PullState",
    "Reject",
    "RowChange",
    "Shot",
    "ShotTotal",
    "Source",
    "TenantSchedule",
    "TenantSettings",
    "TouchedRows",
    "Upload",
    "UploadEvent",
    "UploadKind",
    "UploadTotal",
    "VocabularyProgress",
    "Word",
    "large_first_ids",
    "small_first_ids",
    "upload_numbers",
]
