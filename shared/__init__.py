"""Everything that would be the same without HTTP and without Celery."""
