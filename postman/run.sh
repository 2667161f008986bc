#!/bin/sh
# Run the collection against the API at INGEST_API_URL; arguments go to newman. `make postman` installs newman and
# starts a stack for it; `NEWMAN=newman sh postman/run.sh` uses one that is installed already.
set -eu
cd "$(dirname "$0")/.."
exec "${NEWMAN:-build/postman/node_modules/.bin/newman}" run postman/collection.json \
    --environment postman/environment.json --env-var "baseUrl=${INGEST_API_URL:-http://127.0.0.1:8000}" "$@"
