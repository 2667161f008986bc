"""`admin`: its commands. They import what they run when they run, as those of `local`."""

from typing import Annotated, Any

import typer

from cli.options import AsJson, DataDir, UploadId

app = typer.Typer(
    help="Limits, retention and pauses of tenants; uploads of all tenants that wait.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
Forget = Annotated[bool, typer.Option("--forget", help="First forget all that was decided, but not a pause.")]


@app.command("show")
def show(
    *,
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", help="Only this tenant.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what is decided about tenants."""
    from cli.admin import commands

    commands.show(data_dir, tenant, as_json=as_json)


@app.command("limit")
def limit(
    *,
    tenant: Name,
    requests_per_minute: Annotated[int | None, typer.Option(help="Of all its keys together; 0: no limit.")] = None,
    upload_bytes_per_day: Annotated[int | None, typer.Option(help="Of all its keys together; 0: no limit.")] = None,
    concurrent_uploads: Annotated[int | None, typer.Option(help="Being sent, waiting or loading.")] = None,
    row_retention_days: Annotated[
        float | None, typer.Option(help="How long appended rows are kept: then their upload is undone.")
    ] = None,
    upload_retention_days: Annotated[
        float | None, typer.Option(help="How long the records of failed, cancelled and undone uploads are kept.")
    ] = None,
    forget: Forget = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Decide about TENANT, instead of the settings; what is not named stays as it is."""
    from cli.admin import commands

    named: dict[str, Any] = {
        "requests_per_minute": requests_per_minute,
        "upload_bytes_per_day": upload_bytes_per_day,
        "concurrent_uploads": concurrent_uploads,
        "row_retention_days": row_retention_days,
        "upload_retention_days": upload_retention_days,
    }
    commands.decide(data_dir, tenant, {name: value for name, value in named.items() if forget or value is not None})
    commands.show(data_dir, tenant, as_json=as_json)


@app.command("pause")
def pause(*, tenant: Name, data_dir: DataDir = None) -> None:
    """Load nothing of TENANT from now on; what loads stops within seconds. Its files are taken in as before."""
    from cli.admin import commands

    commands.decide(data_dir, tenant, {"is_paused": True})
    typer.echo(f"Nothing of {tenant} is loaded until `imdb-ingest admin resume {tenant}`.")


@app.command("resume")
def resume(*, tenant: Name, data_dir: DataDir = None) -> None:
    """Load the uploads of TENANT again."""
    from cli.admin import commands

    commands.decide(data_dir, tenant, {"is_paused": False})
    typer.echo(f"Uploads of {tenant} are loaded again.")


@app.command("queue")
def queue(
    *,
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show uploads of all tenants that wait or load, oldest first."""
    from cli.admin import commands

    commands.active(data_dir, most, as_json=as_json)


@app.command("notify")
def notify(*, upload_id: UploadId, data_dir: DataDir = None) -> None:
    """Notify a loader of an upload again, now."""
    from cli.admin import commands

    commands.notify(data_dir, upload_id)


@app.command("cancel")
def cancel(*, upload_id: UploadId, data_dir: DataDir = None) -> None:
    """Cancel an upload of any tenant that waits or loads."""
    from cli.admin import commands

    commands.cancel(data_dir, upload_id)
