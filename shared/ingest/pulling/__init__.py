"""Fetches files from addresses and takes them in like those of requests: once each, by whichever process is free."""
