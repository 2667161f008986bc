"""Merges the leaves of large uploads in the background, so that a collection has few of them."""
