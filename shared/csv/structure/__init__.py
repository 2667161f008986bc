"""Where the records of a span begin and end, and which of them are malformed.

record_structure    the structure of a span; for both the splitter and the reader
quote_positions     the valid quotes, all at once
recovery            the scan through malformed quotes, one by one
scan                positions of bytes
"""
