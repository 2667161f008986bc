"""Delimited text: what a file's encoding and dialect are, where its records begin, and what is wrong with the others.

    encoding                 bytes -> UTF-8, whatever the file is encoded in
    sniff                    the dialect, from the header and the first records
    split                    a stream -> spans of whole records
    read                     a span -> columns of text, and a reason for each record that has none
    structure                where records begin and end; uses quote_positions, and recovery where quotes are malformed

The package knows no database, no HTTP and no other package of this project.
"""
