"""The HTTP API. A route parses the request, calls one use case and shapes the answer."""
