"""The built-in kinds of files: one module for each, with a `DATASET`."""
