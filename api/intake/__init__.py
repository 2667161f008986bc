"""Requests that bring a file, from their first byte to the answer."""
