"""Takes files in: their bytes are stored and split, then an upload is registered."""
