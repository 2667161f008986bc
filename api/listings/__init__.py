"""Pages and downloads of what was loaded and rejected."""
