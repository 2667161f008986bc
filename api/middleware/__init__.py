"""ASGI middleware: tracing, local clients only, authentication, body limits, security headers, errors, HEAD."""
