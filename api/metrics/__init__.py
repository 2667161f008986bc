"""What the API's metrics say about the whole system, and about its own connections."""
