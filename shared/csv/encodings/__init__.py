"""Encodings: their names, how one is recognised, and what becomes of bytes that it cannot decode.

to_utf8        converts a file while it arrives
names          the names of encodings
undecoded      bytes that an encoding cannot decode, as text that is not valid
recognition    which encoding the bytes of a file are in; uses plausibility, which uses letters
mojibake       a pattern for UTF-8 that was read as another encoding
"""
