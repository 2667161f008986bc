"""The entry point of `imdb-ingest`: it takes care of Ctrl-C before it imports the commands, which takes a moment."""

from cli.interrupts import end_at_ctrl_c, ignore_ctrl_c
from shared.starting import import_once


def app() -> None:
    """Run the command line; ends by `SystemExit`."""
    end_at_ctrl_c()
    try:
        import_once("cli.program").program(prog_name="imdb-ingest")
    finally:
        ignore_ctrl_c()


if __name__ == "__main__":
    app()
