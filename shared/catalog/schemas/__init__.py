"""Table Schemas (Frictionless): what a client says about the values of its files.

declaration             a dataset that a tenant declares; declaration_versions says what a later version may change
table_schema            what a client says of one file, with only what differs
inference               the declaration that the first records of a file show
built_in                the schema that comes nearest to a built-in dataset
field_types             the types of fields, with the rules that read them
constraints             the constraints of fields, as checks
members                 what may be in the JSON
"""
