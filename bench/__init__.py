"""Measurements: seeded data, side by side, as ratios."""
