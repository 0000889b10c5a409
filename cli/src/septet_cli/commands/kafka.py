"""``septet kafka``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK

if TYPE_CHECKING:
    from septet_kit.access.provision import Report
    from septet_kit.access.table import Access
    from septet_kit.messaging.connection import KafkaConnection
    from septet_kit.tenants import Tenants

HEAD = """# Access of each principal to Kafka, generated from the service specifications by `septet kafka acls --write`; do
# not edit. `septet kafka apply` adds the tenants with their own topics.
"""

app = typer.Typer(
    help="Create and list the topics, users and ACLs of a Kafka cluster.",
    epilog=examples(
        "septet kafka acls                           list the access of each principal",
        "septet kafka apply --dry-run                list the pending changes",
        "septet kafka apply --users secrets/kafka    create topics, ACLs, and a user for each principal",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

TenantsFile = Annotated[
    Path | None, typer.Option(help="Tenants file \\[default: SEPTET_TENANTS_FILE, else the packaged one].")
]


@app.command(
    "apply",
    help="Create the topics, ACLs and users that the services and the tenants file need.\n\n"
    "Connects as `admin` to the local stack, or as SEPTET_KAFKA_USERNAME to SEPTET_KAFKA_BOOTSTRAP. "
    "Idempotent; never changes the ACLs of other applications.",
    epilog=examples(
        "septet kafka apply --dry-run",
        "septet kafka apply --users /run/secrets/kafka --tenants tenants.yaml --replication 3",
    ),
)
def apply(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the changes without applying them.")
    ] = False,
    tenants: TenantsFile = None,
    users: Annotated[
        Path | None,
        typer.Option(
            help="Directory with one folder per user; creates missing passwords and writes the users."
        ),
    ] = None,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of new topics.")] = 1,
    topics_only: Annotated[
        bool, typer.Option("--topics-only", help="Create topics only, for a Kafka without an authorizer.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Retry transient failures for this many seconds.")
    ] = 0,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep the ACLs of the previous version, while its processes still run."),
    ] = False,
) -> None:
    """Create topics, ACLs and users."""
    run(_retry_transient(patience, lambda: _apply(dry_run, tenants, users, replication, topics_only, keep)))


async def _retry_transient(patience: float, action: Callable[[], Awaitable[int]]) -> int:
    """Retry *action* while it raises ``Transient``, for at most *patience* seconds."""
    from septet_kit.errors import Transient
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_delay(patience),
        wait=wait_random_exponential(max=5),
        before_sleep=lambda state: err.print(f"retrying: {state.outcome and state.outcome.exception()}"),
        reraise=True,
    )

    # tenacity awaits coroutine functions only.
    async def attempt() -> int:
        return await action()

    return await retrying(attempt)


async def _apply(
    dry_run: bool,
    tenants_file: Path | None,
    users: Path | None,
    replication: int,
    topics_only: bool,
    keep: bool,
) -> int:
    from septet_kit.access.provision import provision, provision_topics
    from septet_kit.access.table import access_table, load_specs
    from septet_kit.settings import KitSettings
    from septet_kit.tenants import Tenants

    tenants = Tenants.load(tenants_file or KitSettings().tenants_file)
    connection = _administrator()
    if topics_only:
        report = await provision_topics(connection, tenants, replication=replication, dry_run=dry_run)
    else:
        table = access_table(load_specs())
        passwords = _passwords(users, table, tenants) if users else None
        report = await provision(
            connection, table, tenants, passwords, replication=replication, dry_run=dry_run, keep=keep
        )
    _show(report, dry_run)
    return EXIT_OK


def _administrator() -> KafkaConnection:
    from septet_kit.access.table import ADMIN

    from septet_cli.settings import CliSettings
    from septet_cli.target import locate

    return locate(CliSettings().model_copy(update={"kafka_principal": ADMIN})).kafka


def _passwords(directory: Path, table: list[Access], tenants: Tenants) -> dict[str, str]:
    from septet_kit.access.table import ADMIN, for_tenants
    from septet_native.credentials.passwords import kafka_users

    principals = [access.principal for access in for_tenants(table, tenants.own)]
    # The broker's environment holds the password of the super user; a copy here is optional.
    admin = [ADMIN] if (directory / ADMIN).is_dir() else []
    return kafka_users(directory, [*admin, *principals])


def _show(report: Report, dry_run: bool) -> None:
    would = "would " if dry_run else ""
    for topic in report.topics:
        out.print(f"{would}create topic {topic}", highlight=False)
    for sign, bindings in (("allow", report.acls_made), ("no longer allow", report.acls_removed)):
        for b in bindings:
            name = f"{b.name}*" if b.pattern == "prefixed" else b.name
            out.print(f"{would}{sign} {b.principal} to {b.operation} {b.resource} {name}", highlight=False)
    for verb, names in (("write", report.users_written), ("remove", report.users_removed)):
        if names:
            out.print(f"{would}{verb} users {', '.join(names)}", highlight=False)
    changed = len(report.topics) + len(report.acls_made) + len(report.acls_removed)
    err.print(f"[dim]{changed} topics and ACLs {'to change' if dry_run else 'changed'}[/]")


@app.command(
    "acls",
    help="List the access of each principal, from the specifications of the services.",
    epilog=examples(
        "septet kafka acls",
        "septet kafka acls --write infra/kafka/acls.yaml",
        "septet kafka acls --check infra/kafka/acls.yaml      exit code 1 if the file is out of date",
    ),
)
def acls(
    write: Annotated[Path | None, typer.Option(help="Write the table to this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare the table with this file.")] = None,
    tenants: TenantsFile = None,
) -> None:
    """Print, write or check the table."""
    from septet_kit.access.table import access_table, dump_table, for_tenants, load_specs
    from septet_kit.settings import KitSettings
    from septet_kit.tenants import Tenants

    table = access_table(load_specs())
    text = HEAD + dump_table(table)
    if write is not None:
        write.write_text(text, encoding="utf-8")
        return
    if check is not None:
        if check.read_text(encoding="utf-8") != text:
            err.print(f"{check} is out of date; run `septet kafka acls --write {check}`")
            raise typer.Exit(EXIT_FAILED)
        return
    _print(for_tenants(table, Tenants.load(tenants or KitSettings().tenants_file).own))


def _print(table: list[Access]) -> None:
    from rich.table import Table

    shown = Table(pad_edge=False, header_style="bold", box=None)
    for column in ("principal", "reads", "writes", "groups"):
        shown.add_column(column, overflow="fold")
    for access in table:
        groups = [
            *access.groups,
            *(f"{p}*" for p in access.group_prefixes),
            *(f"{w} (describe)" for w in access.watches),
            *(f"{p}*" for p in access.namespaces),
            *(f"{p}* (describe, delete)" for p in access.manages),
        ]
        spaces = [f"{p}*" for p in (*access.namespaces, *access.manages)]
        columns = ([*map(_short, access.reads), *spaces], [*map(_short, access.writes), *spaces], groups)
        shown.add_row(access.principal, *("\n".join([*items, ""]) for items in columns))
    out.print(shown)


def _short(topic: str) -> str:
    return topic.removeprefix("septet.")


@app.command(
    "certificates",
    help="Create a certificate authority and a broker certificate if they are missing or about to expire.",
    epilog=examples("septet kafka certificates secrets/kafka-tls --name kafka --name 127.0.0.1"),
)
def certificates(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Directory for ca.pem, ca.key and broker.pem.")
    ],
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Host name or address of the broker \\[default: localhost, 127.0.0.1, ::1, kafka]."
        ),
    ] = None,
) -> None:
    """Create missing certificates and renew those about to expire."""
    from septet_native.credentials.certificates import NAMES, Certificates

    made = Certificates(directory).ensure(tuple(name) if name else NAMES)
    out.print(f"{'made' if made else 'kept'} {Certificates(directory).server}", highlight=False)
