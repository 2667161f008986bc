"""Compressed files as streams of their content: each codec is a module, `registry` knows them all.

codec                    what codecs have in common: the protocol `Decompressor`, and the limit on the ratio
streams                  one member, frame or stream after the other, read as one
gzip, bz2, xz, zstd      the codecs of one file
tables                   the names that tables have
zip, zip_records, choice an archive, read forward while it arrives, and which of its members is the table
foreign                  kinds of files that hold no text, and what to do with them
registry                 names and contents of files -> codecs
"""
