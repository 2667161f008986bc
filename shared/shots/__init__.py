"""Shots: pictures of movies, how they are cleaned and kept."""
