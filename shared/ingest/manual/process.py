"""A process that carries edits out for the API, which loads neither pandas nor pandera.

    python -m shared.ingest.manual.process

It answers `Edit`s (see `shared.side_process`) with what `Editor.apply` returns or raises. An error that it does not
know ends it.
"""

import sys
from typing import Any, Final

import structlog

from shared import failpoints, logs
from shared.catalog.registry import Registry
from shared.database.engine import create_sync_engine
from shared.errors import IngestError
from shared.ingest.manual.edit import Edit
from shared.ingest.manual.editing import Editor
from shared.settings import Settings
from shared.side_process import serve
from shared.storage.opening import open_storage

# Its transactions hold locks that others wait for.
_NICENESS: Final = 0

log = structlog.get_logger()


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # where log lines go
    settings = Settings()
    logs.configure(settings, "manual")
    failpoints.arm(settings.failpoint)
    engine = create_sync_engine(settings, "ingest-manual")
    editor = Editor(engine, Registry.built_in(), open_storage(settings))

    def answer(edit: Edit) -> Any:
        try:
            return editor.apply(edit)
        except IngestError as error:
            return error
        except Exception:
            log.exception("edit_crashed")
            raise

    serve(answer, answers, _NICENESS)
    engine.dispose()


if __name__ == "__main__":
    main()
