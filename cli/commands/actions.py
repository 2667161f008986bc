"""Commands that change an upload: `apply`, `cancel`, `retry`, `undo`."""

from typing import Annotated
from uuid import UUID

import typer

from cli.client.session import command_for, print_json, session, show, show_all
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, Tenant, UploadId, Wait
from cli.rendering import render_lists, render_upload
from cli.rendering.outcome import Outcome, exit_code_of, outcome_of
from cli.rendering.progress import progress_view
from cli.sending.send import follow

app = typer.Typer()


@app.command("apply")
def apply_plan(
    *,
    upload_id: UploadId,
    if_match: Annotated[
        str | None, typer.Option(metavar="TAG", help="Apply only the plan with this tag, which `show` prints.")
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Publish upload ID, which `upload --plan` has loaded: it changes what its plan says, or nothing.

    If something else was published since, the changes are counted anew and the upload waits again.
    """
    tag = None if if_match is None else _tag(if_match)
    with session(api_url, tenant, as_json=as_json) as client:
        upload = client.act(upload_id, "apply", tag)
        if wait:
            with progress_view(render_lists.console(stderr=True), silent=as_json) as view:
                upload = follow(client, upload, view)
        if as_json:
            print_json(upload)
        else:
            show_all(render_upload.summary(upload, command_for(client)))
    outcome = outcome_of(upload)
    if wait and outcome is Outcome.PLANNED:  # something else was published first
        typer.echo("Not applied: something else was published first, and the changes were counted anew.", err=True)
        raise typer.Exit(1)
    raise typer.Exit(exit_code_of([outcome]) if wait else 0)


@app.command()
def cancel(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Cancel upload ID before it is published; none of its rows remain."""
    _act("cancel", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def retry(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Load upload ID again after it failed or was cancelled."""
    _act("retry", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


@app.command()
def undo(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Remove all rows of the completed upload ID."""
    _act("undo", upload_id, as_json=as_json, tenant=tenant, api_url=api_url)


def _tag(text: str) -> str:
    """The header's value: shells take quotes away."""
    if not text.isascii() or not text.isprintable():
        raise typer.BadParameter("a tag has digits, in quotes", param_hint="--if-match")
    return text if text == "*" or '"' in text else f'"{text}"'


def _act(action: str, upload_id: UUID, *, as_json: bool, tenant: str | None, api_url: str) -> None:
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.act(upload_id, action), render_upload.counts, as_json=as_json)
