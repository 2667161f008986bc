"""Everything that does not depend on HTTP or Celery."""
