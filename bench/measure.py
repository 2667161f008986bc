"""What processes take of the machine, from Linux's /proc: peaks of memory and seconds of CPU, in whole families.

Our own processes and Valkey are measured by VmHWM, the kernel's own peak of the resident set, which no sample can miss;
`start` resets it. PostgreSQL's backends map the same 256 MB of shared buffers, so their private memory (RssAnon) is
sampled instead, the sum over all of them at a time.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
_SAMPLE_SECONDS: Final = 0.1
_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Written to clear_refs, it sets VmHWM to the present size.
_RESET_PEAK: Final = "5"

Pids = Callable[[], list[int]]


def family(pid: int) -> list[int]:
    """The process and all that it started, their children included; those that end meanwhile are left out."""
    found = [pid]
    for member in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{member}/task").iterdir():
                text = (thread / "children").read_text()
                found += [int(child) for child in text.split()]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes and of those children of theirs that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            # behind the name in parentheses: fields 14 to 17 are utime, stime, cutime, cstime
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def busy_seconds() -> tuple[float, float]:
    """CPU time so far of the whole machine, and of that our own: this process and all that it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = fields[3:5]
    return (sum(fields) - idle - waiting) / _TICKS, cpu_seconds(family(os.getpid()))


def status_bytes(pid: int, field: str) -> int:
    """A size from /proc/<pid>/status; 0 for a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


class Watch:
    """CPU and memory of named groups of processes while a block runs.

    `ours`: name -> processes whose largest VmHWM counts; `server`: PostgreSQL's, whose RssAnon is added up.
    """

    def __init__(self, ours: Mapping[str, Pids], server: Pids) -> None:
        self._ours = ours
        self._server = server
        self.peak_bytes: dict[str, int] = dict.fromkeys(ours, 0)
        self.server_peak_bytes = 0
        self.cpu_seconds = 0.0
        self.server_cpu_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator["Watch"]:
        """Measure from here to the end of the block."""
        stopping = threading.Event()
        sampler = threading.Thread(target=self._sample_until, args=(stopping,), name="watch", daemon=True)
        for pid in self._our_pids():
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
        before, server_before = cpu_seconds(self._our_pids()), cpu_seconds(self._server())
        sampler.start()
        try:
            yield self
        finally:
            self.cpu_seconds = cpu_seconds(self._our_pids()) - before
            self.server_cpu_seconds = cpu_seconds(self._server()) - server_before
            stopping.set()
            sampler.join()
            self._sample()

    def _our_pids(self) -> list[int]:
        return sorted({pid for pids in self._ours.values() for pid in pids()})

    def _sample_until(self, stopping: threading.Event) -> None:
        while not stopping.wait(_SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        for name, pids in self._ours.items():
            peaks = [status_bytes(pid, "VmHWM") for pid in pids()]
            self.peak_bytes[name] = max(self.peak_bytes[name], *peaks, 0)
        private = sum(status_bytes(pid, "RssAnon") for pid in self._server())
        self.server_peak_bytes = max(self.server_peak_bytes, private)
