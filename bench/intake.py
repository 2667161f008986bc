"""Part `intake`: a large body, against `sha256sum` of the same file.

Nothing is loaded meanwhile: the worker is stopped, and each upload is cancelled as soon as it is answered.
"""

import shutil
import subprocess
import time
from pathlib import Path

from bench import data
from bench.plan import Plan
from bench.results import Found, Table, at_most, median
from bench.stand import Stand


def measure(stand: Stand, plan: Plan) -> Found:
    """From the first byte to the 202: the file is hashed, split, on the disk (fsync), and registered."""
    path = data.file_of_bytes(plan.intake_bytes, data.movies_file(plan.rows_at_once))
    seconds: dict[str, list[float]] = {"sha256sum": [], "raw body": [], "multipart": []}
    with stand.no_worker():
        for _ in range(plan.runs):
            stand.settle()
            seconds["sha256sum"].append(_hash(path))
            for name, is_form in (("raw body", False), ("multipart", True)):
                stand.settle()
                sent = stand.client.send_file(path, use_celery=True, is_form=is_form)
                seconds[name].append(sent.intake_seconds)
                stand.cancel(sent)
    size = path.stat().st_size
    medians = {name: median(values) for name, values in seconds.items()}
    rows = [
        [name, f"{value:.2f}", f"{size / value / 1e6:,.0f}", f"{value / medians['sha256sum']:.2f}"]
        for name, value in medians.items()
    ]
    body = f"{size / 1e9:.2f} GB"
    return Found(
        [
            at_most(
                plan,
                f"intake: raw body of {body} ÷ `sha256sum` of the file",
                medians["raw body"] / medians["sha256sum"],
                1.5,
            ),
            at_most(plan, "multipart ÷ the same", medians["multipart"] / medians["sha256sum"], 2.0),
        ],
        [
            Table(
                f"Intake of {body}", ["", "seconds", "MB/s", "÷ sha256sum"], rows, "The file is in the kernel's cache."
            )
        ],
    )


def _hash(path: Path) -> float:
    program = shutil.which("sha256sum")
    assert program is not None
    begun = time.perf_counter()
    subprocess.run([program, path], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
