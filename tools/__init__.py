"""What `make` runs beside the tests: known weaknesses of what the lock files name, and a list of it for others."""
