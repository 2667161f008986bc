"""What a loader does: it claims batches and commits their rows."""
