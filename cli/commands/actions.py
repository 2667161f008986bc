"""Commands that change an upload: `cancel`, `retry`, `undo`."""

from uuid import UUID

import typer

from cli.client.session import session, show
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, Tenant, UploadId
from cli.rendering import render_upload

app = typer.Typer()


@app.command()
def cancel(
    *, upload_id: UploadId, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Cancel upload ID before it completes; none of its rows remain."""
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


def _act(action: str, upload_id: UUID, *, as_json: bool, tenant: str | None, api_url: str) -> None:
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.act(upload_id, action), render_upload.counts, as_json=as_json)
