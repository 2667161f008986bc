"""How much a client may ask for: requests, bytes, uploads at a time."""
