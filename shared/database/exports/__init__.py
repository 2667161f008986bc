"""Exports: all rows of a listing as the bytes of one file, of any size, by one statement of one tenant."""
