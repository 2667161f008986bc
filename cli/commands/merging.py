"""`merging`: its commands. They import what they run when they run, as those of `local`."""

import typer

from cli.options import AsJson, DataDir

app = typer.Typer(help="Pause and resume the merging of large uploads' partitions.", no_args_is_help=True)


@app.command()
def pause(*, data_dir: DataDir = None) -> None:
    """Pause merging: it stops within seconds and keeps what it has copied."""
    from cli import merging

    merging.pause(data_dir)


@app.command()
def resume(*, data_dir: DataDir = None) -> None:
    """Let merging go on where it stopped."""
    from cli import merging

    merging.resume(data_dir)


@app.command()
def show(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show whether merging is paused, and the collections with the most partitions."""
    from cli import merging

    merging.show(data_dir, as_json=as_json)
