"""``septet keys``: API keys of the gateway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError
from septet_cli.options import tenant_of

app = typer.Typer(
    name="keys",
    help="Create, list and revoke API keys of the gateway.",
    no_args_is_help=True,
    epilog=examples(
        "septet keys create --name my-app                        may ask and give feedback",
        "septet keys create --name jobs --scope ask --days 30    expires after 30 days",
        "septet keys list",
        "septet keys revoke 1f2e3d4c5b6a7988",
    ),
)
DEFAULT_SCOPES = ("ask", "feedback")


@app.command("create", epilog=examples("septet keys create --name my-app --tenant acme --scope ask"))
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    tenant: Annotated[str | None, tenant_of("key")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="`ask`, `documents`, `feedback`, `operate` or `admin` \\[default: ask, feedback]."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until the key expires.")] = None,
    streams: Annotated[
        int | None,
        typer.Option(
            min=1, help="Streams that may be in progress \\[default: SEPTET_GATEWAY_KEY_CONCURRENT_STREAMS]."
        ),
    ] = None,
) -> None:
    """Create a key and print it. It cannot be shown again: only its hash is stored."""
    from septet_cli.settings import CliSettings

    run(_create(name, tenant or CliSettings().tenant, tuple(scope or DEFAULT_SCOPES), days, streams))


@app.command("list", epilog=examples("septet keys list", "septet keys list --json"))
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys without their secrets."""
    run(_list(as_json))


@app.command("revoke", epilog=examples("septet keys revoke 1f2e3d4c5b6a7988"))
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key: its part after `sk-septet-`.")],
) -> None:
    """Revoke a key. Every gateway refuses it within a second."""
    run(_revoke(key_id))


async def _create(
    name: str, tenant: str, scopes: tuple[str, ...], days: int | None, streams: int | None
) -> int:
    from septet_gateway.domain.keys import SCOPES

    from septet_cli.keys import open_keys
    from septet_cli.tenancy import known_tenants

    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise CliError(f"There is no scope {unknown[0]}.", f"give one of {', '.join(SCOPES)}")
    known = known_tenants().names
    if tenant not in known:
        raise CliError(f"There is no tenant {tenant}.", f"give one of {', '.join(sorted(known))}")
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    async with open_keys() as store:
        print(await store.table.create(tenant, name, scopes, store.secret, expires, streams))
    return EXIT_OK


async def _list(as_json: bool) -> int:
    from rich.table import Table

    from septet_cli.keys import open_keys

    async with open_keys() as store:
        keys = await store.table.list()
    now = datetime.now(UTC)
    if as_json:
        out.print_json(
            data=[
                {
                    "id": key.key_id,
                    "name": key.name,
                    "tenant": key.tenant,
                    "scopes": list(key.scopes),
                    "streams": key.streams,
                    "created_at": key.created_at.isoformat(),
                    "expires_at": key.expires_at.isoformat() if key.expires_at else None,
                    "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
                }
                for key in keys
            ]
        )
        return EXIT_OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "name", "tenant", "scopes", "streams", "created", "state"):
        table.add_column(title)
    for key in keys:
        state = "valid" if key.is_valid(now) else "revoked" if key.revoked_at else "expired"
        scopes, streams = ", ".join(key.scopes), str(key.streams or "")
        created = f"{key.created_at:%Y-%m-%d}"
        table.add_row(key.key_id, key.name, key.tenant, scopes, streams, created, state)
    out.print(table)
    return EXIT_OK


async def _revoke(key_id: str) -> int:
    from septet_cli.keys import open_keys

    async with open_keys() as store:
        revoked = await store.table.revoke(key_id)
    if not revoked:
        err.print(f"[red]there is no valid key {key_id}[/]: see `septet keys list`")
        return EXIT_FAILED
    err.print(f"revoked {key_id}", highlight=False)
    return EXIT_OK
