"""Statements that read movies together with what belongs to them."""
