"""The platform on several hosts: each service in a network namespace of its own, and a network that breaks."""
