"""The commands with their options, arguments and help texts."""
