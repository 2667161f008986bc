"""The story of an upload, in the order in which it happens.

intake        bytes arrive: they are stored and split into batches, and the upload is registered
loading       a loader claims batches; for each one: read, validate, commit
publishing    the last loader reconciles the record counts, builds the indexes and makes the upload visible
corrections   rejected records go out to people and come back corrected
lifecycle     cancel, retry, undo; the sweep, which repairs what was interrupted; retention
"""
