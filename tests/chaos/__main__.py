"""`python -m tests.chaos --seed 1 --kills 40`: the exit code is the verdict."""

import argparse
import faulthandler
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.chaos.hosts.scene import SEVERAL_HOSTS
from tests.chaos.report import show
from tests.chaos.storm import ONE_MACHINE, SHORT, Size, storm


def main() -> int:
    """0 if every promise held; else 1, and logs and data are kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="A crash storm over the whole platform.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=40, help="how many faults")
    parser.add_argument("--short", action="store_true", help="fewer processes, shorter pauses")
    parser.add_argument(
        "--hosts", action="store_true", help="each service on a host of its own, and the network breaks, too"
    )
    parser.add_argument("--keep", action="store_true", help="keep logs and data even if all is well")
    arguments = parser.parse_args()
    size = SHORT if arguments.short else Size()
    console = Console(width=None if sys.stdout.isatty() else 160)
    # a storm that hangs must end; the stack's guard then stops what it started
    faulthandler.dump_traceback_later(180 + arguments.kills * (size.gap * 2 + 2), exit=True)
    directory = Path(tempfile.mkdtemp(prefix="imdb-ingest-chaos-"))

    def tell(line: str) -> None:
        console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {line}", highlight=False)

    tell(f"seed {arguments.seed}, {arguments.kills} faults; logs and data in {directory}")
    if arguments.hosts:
        outcome = storm(SEVERAL_HOSTS, directory, arguments.seed, arguments.kills, size, tell)
    else:
        outcome = storm(ONE_MACHINE, directory, arguments.seed, arguments.kills, size, tell)
    show(outcome, console)
    if outcome.findings or arguments.keep:
        tell(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
