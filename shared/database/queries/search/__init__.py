"""Statements that find rows by words, each bounded in what it reads."""
