"""Celery: the app, its tasks and what runs beside them. Everything that it does is in `shared.ingest`."""
