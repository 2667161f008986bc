"""What the beginning of a file would become, without an upload."""
