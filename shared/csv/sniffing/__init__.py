"""Finds the dialect of a file, from its header and its first records.

sniff        the dialect that fits the header and keeps the most records whole
trials       the first records, read in each dialect that is possible
line_ends    how the lines end
"""
