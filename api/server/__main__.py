"""`python -m api.server`: see `serve.py`."""

import sys

from shared.starting import import_once

if __name__ == "__main__":
    sys.exit(import_once("api.server.serve").main())
