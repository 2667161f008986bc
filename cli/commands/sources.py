"""`sources`: addresses that the API pulls by schedule; and `upload URL`, which is one pull."""

import time
from typing import Annotated, Final

import typer

from cli.choices import WriteMode
from cli.client.api_client import ApiClient, Params
from cli.client.client_errors import Json
from cli.client.session import command_for, print_json, session, show, show_all
from cli.options import DEFAULT_API_URL, ApiUrl, AsJson, Tenant
from cli.rendering import render_lists, render_sources, render_upload
from cli.rendering.outcome import exit_code_of, outcome_of
from cli.rendering.progress import progress_view
from cli.sending.send import follow
from cli.upload_options import Dataset, Member, Mode, UseCelery

app = typer.Typer(help="Let the API fetch files from addresses by schedule.", invoke_without_command=True)

_POLL_SECONDS: Final = 0.5
_FAILED: Final = 4
_A_DAY_MINUTES: Final = 1440
# The files of https://datasets.imdbws.com, each of which is the whole of its dataset.
_IMDB: Final = "https://datasets.imdbws.com/{dataset}.tsv.gz"
_IMDB_DATASETS: Final = (
    *("title.basics", "title.ratings", "title.episode", "title.akas", "title.principals", "title.crew", "name.basics"),
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The source's name.")]
Every = Annotated[
    int | None, typer.Option(metavar="MINUTES", min=1, help="How often it is pulled. By default only by `run`.")
]


def is_address(argument: str) -> bool:
    """Whether an argument of `upload` is an address."""
    return argument.startswith(("https://", "http://"))


def pull_address(
    client: ApiClient, url: str, params: Params, idempotency_key: str | None, *, waits: bool, as_json: bool
) -> int:
    """Let the API fetch the file, and show what comes of it; return the exit code. Raises `ClientError`."""
    pull = client.send_document("POST", "/upload", {"url": url}, "id", params, idempotency_key)
    return _followed(client, pull, as_json=as_json) if waits else _shown(pull, as_json=as_json)


@app.callback()
def sources(
    context: typer.Context, *, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """List the sources."""
    if context.invoked_subcommand is None:
        list_sources(as_json=as_json, tenant=tenant, api_url=api_url)


@app.command("list")
def list_sources(*, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL) -> None:
    """List the sources."""
    with session(api_url, tenant, as_json=as_json) as client:
        show(client.page("/sources", {}), render_sources.sources, as_json=as_json)


@app.command()
def add(
    *,
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where its file is.")],
    every: Every = None,
    dataset: Dataset = None,
    mode: Mode = None,
    member: Member = None,
    filename: Annotated[
        str | None, typer.Option(help="The name of its file, if the address does not end with it.")
    ] = None,
    use_celery: UseCelery = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Give the address URL a NAME, under which it is pulled."""
    document: Json = {"name": name, "url": url, "every_minutes": every, "dataset": dataset, "mode": mode}
    document |= {"member": member, "filename": filename, "use_celery": use_celery}
    with session(api_url, tenant, as_json=as_json) as client:
        made = client.send_document("POST", "/sources", document, "name")
        show({"items": [made]}, render_sources.sources, as_json=as_json)


@app.command("add-imdb")
def add_imdb(
    *,
    every: Annotated[int, typer.Option(metavar="MINUTES", min=1, help="How often they are pulled.")] = _A_DAY_MINUTES,
    use_celery: UseCelery = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Add IMDb's seven files, for personal and non-commercial use. Each one replaces the one before."""
    with session(api_url, tenant, as_json=as_json) as client:
        made = [
            client.send_document(
                "POST",
                "/sources",
                {
                    "name": f"imdb-{dataset.replace('.', '-')}",
                    "url": _IMDB.format(dataset=dataset),
                    "dataset": dataset,
                    "mode": WriteMode.REPLACE,
                    "every_minutes": every,
                    "use_celery": use_celery,
                },
                "name",
            )
            for dataset in _IMDB_DATASETS
        ]
        show({"items": made}, render_sources.sources, as_json=as_json)


@app.command("show")
def show_source(
    *, name: Name, as_json: AsJson = False, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL
) -> None:
    """Show the source NAME, and what came of its last pulls."""
    with session(api_url, tenant, as_json=as_json) as client:
        source = client.document(f"/sources/{name}", "name")
        page = client.page(f"/sources/{name}/runs", {})
        if as_json:
            print_json({**source, "pulls": page})
        else:
            show_all([render_sources.sources({"items": [source]}), render_sources.pulls(page)])


@app.command()
def run(
    *,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Load the file even if it has not changed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until its file is loaded.")] = False,
    as_json: AsJson = False,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Pull the source NAME now."""
    with session(api_url, tenant, as_json=as_json) as client:
        pull = client.ask(f"/sources/{name}/run", {"force": force or None})
        code = _followed(client, pull, as_json=as_json) if wait else _shown(pull, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def remove(*, name: Name, tenant: Tenant = None, api_url: ApiUrl = DEFAULT_API_URL) -> None:
    """Remove the source NAME and its history; what it has loaded stays."""
    with session(api_url, tenant, as_json=False) as client:
        client.delete(f"/sources/{name}", {})
    typer.echo(f"The source {name} is gone.")


def _shown(pull: Json, *, as_json: bool) -> int:
    show(pull, render_sources.pull, as_json=as_json)
    return _FAILED if pull["state"] == "failed" else 0


def _followed(client: ApiClient, pull: Json, *, as_json: bool) -> int:
    """Wait for the file, and then for its upload; show the last of them and return its exit code."""
    while pull["state"] in ("waiting", "fetching"):
        time.sleep(_POLL_SECONDS)
        pull = client.document(f"/pulls/{pull['id']}", "id")
    if pull["upload_id"] is None:
        return _shown(pull, as_json=as_json)
    upload = client.document(f"/uploads/{pull['upload_id']}", "id")
    with progress_view(render_lists.console(stderr=True), silent=as_json) as view:
        upload = follow(client, upload, view)
    if as_json:
        print_json(upload)
    else:
        known = [render_sources.pull(pull)] if pull["state"] == "unchanged" else []
        show_all([*known, *render_upload.summary(upload, command_for(client))])
    return exit_code_of([outcome_of(upload)])
