"""Pages of uploads, movies and rejects, and the download of rejected records."""
