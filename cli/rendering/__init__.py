"""What people see: tables, one upload in full, progress, problems, and the outcome of a file."""
