"""The command-line client: it talks to the API over HTTP, and starts the local stack for `up` and `demo`."""
