"""The command line. It talks to the API over HTTP; `up` and `demo` start the local stack.

main.py, program.py, interrupts.py    the entry point, the program, Ctrl-C
commands/, options.py, choices.py     the commands with their options, each a thin wrapper
client/                               the connection to the API, and what becomes of its errors
sending/                              what is sent: files, directories, patterns, pipes
rendering/                            what people see
demo.py, keys.py, migrate.py          what three of the commands do
"""
