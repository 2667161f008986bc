"""What `imdb-ingest seed` does: choose the files, load them, and show what became of each."""

import tempfile
from pathlib import Path

from cli.client.client_errors import not_sent
from cli.client.session import print_json, session, show_all
from cli.rendering import render_lists, render_seed
from cli.rendering.outcome import EXIT_CODES, Outcome
from cli.rendering.progress import progress_view
from cli.seeding.copy_blocks import DumpError
from cli.seeding.pagila import convert
from cli.seeding.samples import DIRECTORY, SAMPLES
from cli.seeding.seeding import Seeded, SeedFile, seed


def seed_tenant(
    api_url: str, tenant: str | None, pagila: Path | None, *, samples: bool, use_celery: bool, as_json: bool
) -> int:
    """Load the samples, and the tables of the dump `pagila`; return the exit code."""
    with tempfile.TemporaryDirectory() as directory, session(api_url, tenant, as_json=as_json) as client:
        files = _samples() if samples else []
        if pagila is not None:
            files += _tables_of(pagila, Path(directory))
        err = render_lists.console(stderr=True)
        with progress_view(err, silent=as_json or not err.is_terminal, is_transient=True) as view:
            results = list(seed(client, files, {"use_celery": use_celery}, view))
    if as_json:
        print_json({"items": [result.document for result in results]})
    else:
        show_all([render_seed.results(results)])
    has_failed = any(result.seeded is Seeded.FAILED for result in results)
    return EXIT_CODES[Outcome.FAILED] if has_failed else 0


def _samples() -> list[SeedFile]:
    """The samples; raises `LocalFileError` where they are not installed, as in an image."""
    if not DIRECTORY.is_dir():
        raise not_sent("no_samples", f"There are no samples at {DIRECTORY}; --no-samples leaves them out.")
    return [SeedFile.of_sample(sample) for sample in SAMPLES]


def _tables_of(dump: Path, directory: Path) -> list[SeedFile]:
    """The tables of Pagila as files in the directory; raises `LocalFileError`."""
    try:
        return [SeedFile.of_table(table) for table in convert(dump, directory)]
    except DumpError as error:
        raise not_sent("unreadable_dump", f"{dump}: {error}") from error
    except OSError as error:
        raise not_sent("unreadable_dump", f"{dump} cannot be converted: {error.strerror or error}") from error
