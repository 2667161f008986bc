"""For make: checks and lists of the locked packages (`make check`, `make sbom`), and programs that Ctrl-C ends."""
