"""Parse rules: how the text of a cell becomes a typed value.

basic_rules        text, whole and decimal numbers, years, dates, flags; the base of all rules
list_rules         several values in a cell; literals reads lists as Python or JSON writes them
number_rules       amounts, percentages, ids
formatted_rules    the one notation that a file or its schema names; date_formats and number_formats describe it
time_rules         moments in time
publisher_rules    notations of single publishers
notations          other ways to write a value than the plain one
"""
