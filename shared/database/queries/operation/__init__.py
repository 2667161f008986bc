"""Statements about what operators decide and see."""
