"""Makes a loaded upload visible, as a whole and in one transaction, after reconciling its record counts."""
