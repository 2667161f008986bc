"""Where uploaded bytes are stored: a protocol, and the directory and the bucket that implement it."""
