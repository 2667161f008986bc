"""Files to begin with: the project's samples, and Pagila's tables out of its public dump."""
