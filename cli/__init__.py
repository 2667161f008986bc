"""The command line. It talks to the API over HTTP; `up` and `demo` start the local stack.

main.py, program.py, interrupts.py    the entry point, the program, Ctrl-C
commands/, options.py                 the commands with their options, each a thin wrapper
session.py, api_client.py             the connection to the API, and what becomes of its errors (client_errors.py)
files.py, upload_parameters.py        what is sent: files, directories, patterns, pipes; how they are to be read
sending.py, uploading.py, outcome.py  send and follow, one file or several, and what became of each
render*.py, problem_text.py, ...      what people see
"""
