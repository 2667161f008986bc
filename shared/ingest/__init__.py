"""The story of an upload, in the order in which it happens.

accept    bytes come in: stored, hashed, header recognised, split into batches; the upload is registered
load      a loader claims batches; for each: read -> validate -> commit
publish   the last one proves the account, builds the indexes and makes the upload visible
control   cancel, retry, undo
sweep     repairs whatever was interrupted
"""
