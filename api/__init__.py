"""The HTTP API. Routes parse, call one use case and shape the answer."""
