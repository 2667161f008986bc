"""Pulls and sources as clients see them."""
