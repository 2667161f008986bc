"""Keeps the vocabulary: in the background, the words of what was published are added to it."""
