"""How long the statements of a request take: their names, their times, and the plans of slow ones."""
