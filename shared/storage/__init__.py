"""Where uploaded bytes are stored: a protocol, and the directory that implements it."""
