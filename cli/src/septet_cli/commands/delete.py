"""``septet delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_OK
from septet_cli.options import tenant_of


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "delete",
        help="Delete documents from the indexes and revoke the cached answers that used them.",
        epilog=examples(
            "septet delete docs/old.md", "septet delete python:json.dumps python:json.loads --tenant acme"
        ),
    )(delete)


def delete(
    document_ids: Annotated[
        list[str],
        typer.Argument(metavar="DOCUMENT_ID…", help="Document ids, as the sources of a response show them."),
    ],
    tenant: Annotated[str | None, tenant_of("documents")] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Stop after this many seconds without progress.")
    ] = 60,
) -> None:
    """Publish the deletions and wait until they are indexed."""
    from septet_cli.settings import CliSettings

    run(_delete(document_ids, tenant or CliSettings().tenant, timeout))


async def _delete(document_ids: list[str], tenant: str, timeout: float) -> int:
    from septet_cli.ingest.publish import deletion, publish_documents
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    target = locate()
    report = await publish_documents(
        target.kafka,
        [deletion(i) for i in document_ids],
        tenant,
        stall=timeout,
        title="deleting",
        tenants=known_tenants(),
    )
    out.print(report.summary())
    return EXIT_OK if report.complete else 1
