"""API keys: what one looks like, and what becomes of it.

text      made, parsed and verified; needs no database
control   created, rotated and revoked, by people at the command line
"""
