"""Delimited text: a file's encoding and dialect, where its records begin, and what is wrong with malformed ones.

    compression    a compressed file -> its content
    encodings      bytes -> UTF-8, whatever the encoding of the file
    sniffing       the dialect, from the header and the first records
    split          a stream -> spans of whole records
    reading        a span -> columns of text, and a reason for each malformed record
    structure      where records begin and end

The package has no database and no HTTP, and it imports no other package of this project.
"""
