"""Limits for clients: requests, bytes, uploads at a time."""
