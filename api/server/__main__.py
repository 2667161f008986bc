"""`python -m api.server`: see `serve.py`."""

import sys

from api.server.serve import main

if __name__ == "__main__":
    sys.exit(main())
