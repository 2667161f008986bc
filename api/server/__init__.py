"""The HTTP server (uvicorn): `python -m api.server --host 127.0.0.1 --port 8000`."""
