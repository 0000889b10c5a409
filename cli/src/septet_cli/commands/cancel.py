"""``septet cancel``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK
from septet_cli.options import tenant_of


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "cancel",
        help="Cancel a request. It stops the model call, and the response gets the status `cancelled`.\n\n"
        "Exit code: 0 cancelled, or published with --timeout 0; 1 no such response in time.",
        epilog=examples(
            "septet cancel ask-1f00",
            'septet cancel ask-1f00 --tenant acme --reason "asked by mistake"',
            "septet cancel ask-1f00 --timeout 0            do not wait for the response",
        ),
    )(cancel)


def cancel(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="Id of the request.")],
    tenant: Annotated[str | None, tenant_of("request")] = None,
    reason: Annotated[str | None, typer.Option(help="Reason, for people who read the topic.")] = None,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the response; 0 does not wait.")
    ] = 5,
) -> None:
    """Publish the cancellation."""
    from septet_cli.settings import CliSettings

    run(_cancel(request_id, tenant or CliSettings().tenant, reason, timeout))


async def _cancel(request_id: str, tenant: str, reason: str | None, timeout: float) -> int:
    from septet_cli.cancellation import send_cancellation
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    status = await send_cancellation(
        locate().kafka, request_id, tenant, timeout, reason=reason, tenants=known_tenants()
    )
    if status is not None:
        out.print(f"{request_id}: {status}")
    elif timeout:
        out.print(
            f"{request_id}: no response within {timeout:g} s: it had its response before, or it is not known",
            soft_wrap=True,
        )
    else:
        out.print(f"{request_id}: published")
    return EXIT_OK if status == "cancelled" or not timeout else EXIT_FAILED
