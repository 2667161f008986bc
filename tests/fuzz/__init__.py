"""Any bytes whatever: checks of all that reads a file, by `make fuzz` guided by coverage, in the suite by chance.

A check takes bytes and raises if something is wrong. The first bytes, its controls, choose dialect and sizes; what is
left is the content.
"""
