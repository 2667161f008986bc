"""ASGI middleware: tracing, who may call, what a body may be, headers of every answer."""
