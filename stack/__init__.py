"""Local services: PostgreSQL, Valkey and the platform's own processes, started and stopped together.

postgres.py, valkey.py  one server each, in its own directory
services.py             API, worker and Flower as processes
local.py                all of them as one object, for tests and the demo
supervisor.py           the same in the foreground: `imdb-ingest up`
process.py, guard.py    how a process is started and stopped, and never left behind
short_program.py        programs that end by themselves, such as initdb
"""
