"""Statements that read sources and pulls."""
