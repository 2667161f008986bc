"""The command-line client. It talks to the API over HTTP; `up` and `demo` start the local stack."""
