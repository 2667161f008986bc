"""Reads movies together with what belongs to them: people, genres, ratings, episodes; search and reports."""
