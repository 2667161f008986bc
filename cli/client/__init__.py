"""The connection to the API, and what becomes of its errors."""
