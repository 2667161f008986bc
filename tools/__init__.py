"""Checks and lists of the locked packages: `make check` runs the audit, `make sbom` writes the SBOM."""
