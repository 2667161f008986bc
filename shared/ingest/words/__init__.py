"""What searches need of what was published, made in the background: the vocabulary, and indexes of words."""
