"""The Celery worker: the application, its task, its sweep and its watchdog. The work itself is in `shared.ingest`."""
