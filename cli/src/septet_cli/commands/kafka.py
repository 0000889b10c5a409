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

HEAD = """# Who may do what on Kafka: made from what the services say of themselves by `septet kafka acls --write`; do not
# edit. Tenants with own topics are added when it is applied (`septet kafka apply`).
"""

app = typer.Typer(
    help="Topics, users and ACLs of a Kafka cluster.",
    epilog=examples(
        "septet kafka acls                           who may do what",
        "septet kafka apply --dry-run                what would be changed",
        "septet kafka apply --users secrets/kafka    topics, ACLs, and a user for each principal",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

TenantsFile = Annotated[
    Path | None, typer.Option(help="Tenants file \\[default: SEPTET_TENANTS_FILE, or the packaged one].")
]


@app.command(
    "apply",
    help="Create topics, and make ACLs and users what the services and the tenants file ask for.\n\n"
    "Connects as `admin` to the stack of this machine, or as SEPTET_KAFKA_USERNAME to SEPTET_KAFKA_BOOTSTRAP. "
    "Safe to repeat; ACLs of others on the cluster are left alone.",
    epilog=examples(
        "septet kafka apply --dry-run",
        "septet kafka apply --users /run/secrets/kafka --tenants tenants.yaml --replication 3",
    ),
)
def apply(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be changed.")] = False,
    tenants: TenantsFile = None,
    users: Annotated[
        Path | None,
        typer.Option(help="Directory with a directory per user, whose password is made where it is missing."),
    ] = None,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of topics that are created.")] = 1,
    topics_only: Annotated[
        bool, typer.Option("--topics-only", help="No ACLs: for a Kafka without authorizer.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds during which transient failures are retried.")
    ] = 0,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave ACLs of the version before, while its processes still run."),
    ] = False,
) -> None:
    """Provision the cluster."""
    run(_patiently(patience, lambda: _apply(dry_run, tenants, users, replication, topics_only, keep)))


async def _patiently(patience: float, action: Callable[[], Awaitable[int]]) -> int:
    """Repeat *action* while it raises ``Transient``, for *patience* seconds at most."""
    from septet_kit.errors import Transient
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_delay(patience),
        wait=wait_random_exponential(max=5),
        before_sleep=lambda state: err.print(f"retrying: {state.outcome and state.outcome.exception()}"),
        reraise=True,
    )

    # tenacity awaits the result of a coroutine function only.
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

    from septet_cli.running import locate
    from septet_cli.settings import CliSettings

    return locate(CliSettings().model_copy(update={"kafka_principal": ADMIN})).kafka


def _passwords(directory: Path, table: list[Access], tenants: Tenants) -> dict[str, str]:
    from septet_kit.access.table import ADMIN, for_tenants
    from septet_native.credentials.passwords import kafka_users

    principals = [access.principal for access in for_tenants(table, tenants.own)]
    # The super user has its password from the broker's environment; here only where somebody put it.
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
    help="Show who may do what, as the services say of themselves.",
    epilog=examples(
        "septet kafka acls", "septet kafka acls --write infra/kafka/acls.yaml",
        "septet kafka acls --check infra/kafka/acls.yaml      exit 1 when it is out of date",
    ),
)  # fmt: skip
def acls(
    write: Annotated[Path | None, typer.Option(help="Write the table to this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Compare the table with this file.")] = None,
    tenants: TenantsFile = None,
) -> None:
    """Print, write or compare the table."""
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
            err.print(f"{check} is out of date: `septet kafka acls --write {check}`")
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
            *(f"{w} (look)" for w in access.watches),
        ]
        columns = (map(_short, access.reads), map(_short, access.writes), groups)
        shown.add_row(access.principal, *("\n".join([*items, ""]) for items in columns))
    out.print(shown)


def _short(topic: str) -> str:
    return topic.removeprefix("septet.")


@app.command(
    "certificates",
    help="Make a certificate authority and a certificate for the broker, where they are missing.",
    epilog=examples("septet kafka certificates secrets/kafka-tls --name kafka --name 127.0.0.1"),
)
def certificates(
    directory: Annotated[Path, typer.Argument(help="Takes ca.pem, ca.key and broker.pem.")],
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Host name or address of the broker \\[default: localhost, 127.0.0.1, ::1, kafka]."
        ),
    ] = None,
) -> None:
    """Make what is missing or about to expire."""
    from septet_native.credentials.certificates import NAMES, Certificates

    made = Certificates(directory).ensure(tuple(name) if name else NAMES)
    out.print(f"{'made' if made else 'kept'} {Certificates(directory).server}", highlight=False)
