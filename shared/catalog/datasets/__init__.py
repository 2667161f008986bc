"""One module for each kind of file that the platform knows from the start, each with a `DATASET`."""
