"""`upload` and `correct`: the commands that send files."""

from collections import Counter
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from cli.client.api_client import Params
from cli.client.session import command_for, print_json, session, show_all
from cli.commands.sources import is_address, pull_address
from cli.interrupts import ctrl_c_says
from cli.options import (
    DEFAULT_API_URL,
    ApiUrl,
    AsJson,
    Delimiter,
    Encoding,
    Filename,
    IdempotencyKey,
    Quoting,
    Tenant,
    UploadId,
    Wait,
)
from cli.rendering import render_lists, render_upload
from cli.rendering.formatting import count, printable
from cli.rendering.outcome import STYLES, Outcome, exit_code_of, outcome_of
from cli.rendering.progress import progress_view
from cli.sending.files import InputFile, expand
from cli.sending.upload_parameters import table_parameters
from cli.sending.uploading import Result, Uploading
from cli.upload_options import (
    Dataset,
    DateFormat,
    Files,
    Force,
    Header,
    Mapping,
    MaxRejects,
    Member,
    Mode,
    NoHeader,
    NullWords,
    Plan,
    Recursive,
    SchemaFile,
    UseCelery,
    WhenRejected,
)

app = typer.Typer()


@app.command()
def upload(
    *,
    files: Files,
    recursive: Recursive = False,
    filename: Filename = None,
    use_celery: UseCelery = False,
    wait: Wait = False,
    as_json: AsJson = False,
    force: Force = False,
    on_error: WhenRejected = None,
    max_rejects: MaxRejects = None,
    mode: Mode = None,
    plan: Plan = False,
    idempotency_key: IdempotencyKey = None,
    dataset: Dataset = None,
    mapping: Mapping = None,
    schema: SchemaFile = None,
    null: NullWords = None,
    date_format: DateFormat = None,
    header: Header = None,
    no_header: NoHeader = False,
    member: Member = None,
    delimiter: Delimiter = None,
    quoting: Quoting = None,
    encoding: Encoding = None,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Upload FILE..., one after the other; of a directory, every table in it. Of an address, the API fetches the file.

    Exit code with --wait: 0 if every record was loaded; 3 if some were rejected; 4 if an upload failed; 1 if a file was
    refused or the API does not answer. Of several files the worst counts, in this order. Without --wait, 0 means that
    the API has stored all files. Ctrl-C: 130.
    """
    params = Params(use_celery=use_celery, dataset=dataset, on_error=on_error, max_rejects=max_rejects, mode=mode)
    params |= {"force": force or None, "plan": plan or None}
    params |= {"delimiter": delimiter, "quoting": quoting, "encoding": encoding}
    params |= table_parameters(
        mapping=mapping or [],
        schema=schema,
        nulls=null or [],
        date_format=date_format,
        header=header,
        has_header=not no_header,
        member=member,
    )
    if len(files) == 1 and is_address(files[0]):
        asked = params | {"filename": filename}
        with session(api_url, tenant, as_json=as_json) as client:
            code = pull_address(client, files[0], asked, idempotency_key, waits=wait, as_json=as_json)
        raise typer.Exit(code)
    found = expand(files, recursive=recursive)
    is_one = found.paths == files and len(files) == 1
    if len(found.paths) > 1 and (filename or idempotency_key):
        raise typer.BadParameter("--filename and --idempotency-key are for one file, not for several.")
    inputs = [InputFile.at(path, filename) for path in found.paths]
    with session(api_url, tenant, as_json=as_json) as client:
        uploading = Uploading(client, command_for(client), "/upload", params, wait, idempotency_key)
        with ctrl_c_says(uploading.interruption):
            if is_one:
                code = _send(uploading, inputs[0], as_json=as_json)
            else:
                code = _send_all(uploading, inputs, found.skipped, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def correct(
    *,
    upload_id: UploadId,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The rejects that `imdb-ingest rejects --csv` wrote; - is stdin.")
    ],
    filename: Filename = None,
    use_celery: Annotated[
        bool | None,
        typer.Option("--use-celery/--no-use-celery", help="How to load it; by default like the corrected upload."),
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
    idempotency_key: IdempotencyKey = None,
    delimiter: Delimiter = None,
    quoting: Quoting = None,
    encoding: Encoding = None,
    tenant: Tenant = None,
    api_url: ApiUrl = DEFAULT_API_URL,
) -> None:
    """Send rejected records of upload ID back in FILE, corrected.

    The exit code is that of `upload`.
    """
    path = f"/uploads/{upload_id}/rejects"
    params = Params(use_celery=use_celery, delimiter=delimiter, quoting=quoting, encoding=encoding)
    with session(api_url, tenant, as_json=as_json) as client:
        uploading = Uploading(client, command_for(client), path, params, wait, idempotency_key)
        with ctrl_c_says(uploading.interruption):
            code = _send(uploading, InputFile.at(file, filename), as_json=as_json)
    raise typer.Exit(code)


def _send(uploading: Uploading, file: InputFile, *, as_json: bool) -> int:
    """Send the file and show its upload; return the exit code. Raises `ClientError`."""
    with progress_view(render_lists.console(stderr=True), silent=as_json) as view:
        sent = uploading.send(file, view)
    if as_json:
        print_json(sent)
    else:
        show_all(render_upload.summary(sent, uploading.command))
    return exit_code_of([outcome_of(sent)]) if uploading.waits else 0


def _send_all(uploading: Uploading, files: list[InputFile], skipped: list[str], *, as_json: bool) -> int:
    """Send the files and show each result with a line, and a summary; return the exit code."""
    err = render_lists.console(stderr=True)
    if skipped and not as_json:
        err.print(render_upload.skipped(skipped), soft_wrap=True)
    views = partial(progress_view, err, silent=as_json or not err.is_terminal, is_transient=True)
    width = max(len(file.path) for file in files)
    results: list[Result] = []
    for result in uploading.send_all(files, views):
        results.append(result)
        if not as_json:
            show_all(render_upload.result(result, uploading.command, width, uploading.client.api_url))
    outcomes = [result.outcome for result in results]
    if as_json:
        documents = [result.document for result in results]
        print_json(
            {"items": documents, "outcomes": Counter(outcomes), "skipped": [printable(path) for path in skipped]}
        )
    else:
        show_all([_summary(outcomes)])
    return exit_code_of(one for one in outcomes if uploading.waits or one is Outcome.REFUSED)


def _summary(outcomes: list[Outcome]) -> Text:
    counts = Counter(outcomes)
    parts = [Text(f"{count(counts[one])} {one}", STYLES[one]) for one in Outcome if counts[one]]
    files = "file" if len(outcomes) == 1 else "files"
    return Text.assemble(f"{count(len(outcomes))} {files}: ", Text(", ").join(parts))
