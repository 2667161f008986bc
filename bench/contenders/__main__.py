"""Runs one contender in this process: `python -m bench.contenders NAME`, a job on standard input.

The clock starts when everything is imported: a service is up before a file comes.
"""

import importlib
import json
import os
import resource
import sys
import time
from dataclasses import asdict

from bench.contenders.job import Answer, Job
from bench.contenders.run import MODULES
from bench.measure import status_bytes


def main(name: str) -> None:
    """Load and answer."""
    job = Job.from_json(sys.stdin.read())
    load = getattr(importlib.import_module(f"bench.contenders.{MODULES[name]}"), name)
    cpu_before = _cpu_seconds()
    begun = time.perf_counter()
    other_peak_bytes = load(job)
    seconds = time.perf_counter() - begun
    peak_bytes = other_peak_bytes or status_bytes(os.getpid(), "VmHWM")
    print(json.dumps(asdict(Answer(seconds, _cpu_seconds() - cpu_before, peak_bytes))))


def _cpu_seconds() -> float:
    """Of this process and of those that it started."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main(sys.argv[1])
