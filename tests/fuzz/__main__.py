"""`python -m tests.fuzz TARGET [SECONDS]`: fuzz one target for so long, beginning with what build/fuzz/TARGET has.

Coverage of `shared.csv` and `shared.ingest` guides it. The exit code is not 0 if an input crashed, took too long or
took too much memory; it is in build/fuzz/TARGET/found then.
"""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["shared.csv", "shared.ingest"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, Target

BUILD: Final = Path(__file__).resolve().parents[2] / "build" / "fuzz"
LONGEST_INPUT_BYTES: Final = 64 * 1024
# Counted code is several times slower: this is a second without.
TIMEOUT_SECONDS: Final = 5
# What it traces grows by some 0.1 MB an input; without it, memory stays at 190 MB.
MOST_MEMORY_MB: Final = 4_096


def main(name: str, seconds: str) -> None:
    target = TARGETS[name]
    corpus, found = BUILD / name / "corpus", BUILD / name / "found"
    _write_seeds(target, corpus)
    found.mkdir(exist_ok=True)
    options = {
        "max_total_time": seconds,
        "max_len": LONGEST_INPUT_BYTES,
        "timeout": TIMEOUT_SECONDS,
        "report_slow_units": 1,
        "rss_limit_mb": MOST_MEMORY_MB,
        "artifact_prefix": f"{found}/",
        "print_final_stats": 1,
        "use_value_profile": 1,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{option}={value}" for option, value in options.items()), str(corpus)], target.check
    )
    atheris.Fuzz()


def _write_seeds(target: Target, corpus: Path) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / sha256(seed).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "600")
