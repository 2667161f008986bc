"""What can be loaded: kinds of files (datasets), how their cells are parsed and checked, and which file is which."""
