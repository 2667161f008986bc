"""Reads the records of a span as columns of text, with a code for each malformed one.

read               the reader: takes malformed records out, has Arrow read the rest, and looks at what it read
records            what it returns
initial_space      a space before the quotes of a cell
later_headers      headers that are repeated between the records
wrapped_cells      cells that a spreadsheet wrapped
blank_rows         rows in which nothing can be seen
text_checks        bytes that are not text
doubts             values that may be wrong although they can be read
"""
