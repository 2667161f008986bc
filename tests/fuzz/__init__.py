"""Any bytes: checks of everything that reads a file; `make fuzz` is guided by coverage, the suite tries random inputs.

A check takes bytes and raises if something is wrong. The first bytes, its controls, choose dialect and sizes; the rest
is the content.
"""
