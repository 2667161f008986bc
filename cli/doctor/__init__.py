"""Looks at a deployment and says what is wrong, and what to do about it."""
