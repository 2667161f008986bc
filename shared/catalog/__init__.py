"""What can be loaded: kinds of files (datasets), how cells are parsed and checked, and how a file is recognised."""
