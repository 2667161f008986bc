"""Local services: a PostgreSQL, a Valkey, and the platform's own processes, started and stopped together.

postgres.py, valkey.py  one server each, in a directory of its own
services.py             API, worker and Flower as processes
local.py                all of them as one object, for tests and the demo
supervisor.py           the same in the foreground: `imdb-ingest up`
process.py, guard.py    how a process is started, stopped, and never left behind
"""
