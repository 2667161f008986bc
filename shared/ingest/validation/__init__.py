"""Turns text into typed rows, with a reason for each row that is rejected."""
