"""Requests with a file, from the first byte to the answer."""
