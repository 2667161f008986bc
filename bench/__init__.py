"""Loading speed, memory and reading speed, side by side on one PostgreSQL, as ratios: `make bench`, `make bench-quick`.

generate.py     seeded rows; data.py  files of them, kept between runs, with the sums that every loader must reach
contenders/     the other ways to load the same rows, each in a process of its own
stand.py        the product and its servers, prepared for measuring; client.py talks to it over HTTP
measure.py      memory peaks and CPU seconds of processes; database.py  tables to load into, and their sums
loading.py, modes.py, gzipped.py, together.py, exports.py, intake.py, memory.py, small.py, pings.py, slow.py, volume.py
                one part each, with its own `--only` name; volume.py fills 10M rows and lets listing.py read them
results.py      what a part found, kept as JSON; report.py and chart.py write bench/RESULTS.md and bench/chart.svg
"""
