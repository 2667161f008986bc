"""A backup of all that is kept: the rows of PostgreSQL, and the stored files that these rows refer to."""
