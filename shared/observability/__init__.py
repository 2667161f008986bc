"""What an operator sees of the platform beside its logs: metrics, traces, and errors that nobody expected."""
