"""Rejected records go out to people, and corrected records come back."""
