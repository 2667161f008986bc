"""`keys`: its commands. They import what they run when they run, as those of `local`."""

from typing import Annotated

import typer

from cli.choices import Scope
from cli.options import AsJson, DataDir

app = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]


@app.command()
def create(
    *,
    name: Annotated[str | None, typer.Option(help="Who will use the key.")] = None,
    tenant: Annotated[
        list[str] | None, typer.Option(help="A tenant that the key may access; repeatable, the first is the default.")
    ] = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="A scope of the key; repeatable. admin includes the others.")
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Instead of these three: an operator's key, for /api/v1/admin and nothing else."
        ),
    ] = None,
    expires_days: Annotated[
        float | None,
        typer.Option(help="The key's lifetime in days, at most 3,650 (ten years); by default it does not expire."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a key. The key is shown only once."""
    from cli import keys

    if operator is not None:
        if name is not None or tenant or scope:
            raise typer.BadParameter("An operator's key has no --name, --tenant or --scope of its own.")
        keys.create(data_dir, operator, [], ["operator"], expires_days, as_json=as_json)
        return
    if name is None or not tenant or not scope:
        raise typer.BadParameter("A key needs --name, --tenant and --scope, or --operator alone.")
    keys.create(data_dir, name, tenant, [str(one) for one in scope], expires_days, as_json=as_json)


@app.command("list")
def list_keys(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List all keys, including expired and revoked ones."""
    from cli import keys

    keys.list_all(data_dir, as_json=as_json)


@app.command()
def revoke(*, key_id: KeyId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Revoke key ID: the API refuses the next request with it."""
    from cli import keys

    keys.revoke(data_dir, key_id, as_json=as_json)


@app.command()
def rotate(
    *,
    key_id: KeyId,
    overlap_hours: Annotated[
        float, typer.Option(help="How long the old key still works, in hours, at most 87,600.")
    ] = 24,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Replace key ID: create a key with its name, tenants, scopes and expiry. The new key is shown only once."""
    from cli import keys

    keys.rotate(data_dir, key_id, overlap_hours, as_json=as_json)
