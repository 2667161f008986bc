"""Records that people write, change and remove one by one; each is an upload of its own, of the kind `manual`."""
