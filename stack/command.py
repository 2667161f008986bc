"""Run a program with a stack of its own: `python -m stack.command -- PROGRAM ARGUMENT...`.

The program finds the API's address in `INGEST_API_URL`. The exit code is the program's.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from stack.local import LocalStack


def main(arguments: list[str]) -> int:
    """Start the stack in a temporary directory, run the program, stop the stack."""
    program = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not program:
        sys.stderr.write("usage: python -m stack.command -- PROGRAM ARGUMENT...\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="imdb-ingest-") as directory, LocalStack(Path(directory)) as stack:
        environment = {**os.environ, "INGEST_API_URL": stack.api_url}
        return subprocess.run(program, env=environment, check=False).returncode


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: stop and remove everything
    sys.exit(main(sys.argv[1:]))
