"""Finds movies, people and genres by words: what routes ask, and PostgreSQL as the engine that answers."""
