"""Makes a loaded upload visible, all of it in one transaction, after its record counts are reconciled."""
