"""`imdb-ingest admin`: what operators decide and do for any tenant, directly in the database."""
