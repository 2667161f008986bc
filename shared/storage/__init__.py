"""Where uploaded bytes live: a protocol, and the directory that implements it."""
