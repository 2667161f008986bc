"""Files at addresses that clients name: which addresses are allowed, and how their bytes are fetched."""
