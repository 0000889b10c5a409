"""``septet canary start``, ``status`` and ``stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from septet_cli.console import err, examples, fail, out, run
from septet_cli.errors import EXIT_INTERRUPTED, EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_cli.canary.groups import Look
    from septet_cli.canary.session import Options, Progress

EXIT_NOT_RUN = 3

app = typer.Typer(
    name="canary",
    help="Let a candidate answer a share of live conversations, and stop it when the gate fails.\n\n"
    "The requests of the share get another model alias or another policy; a conversation is always on one side. Neither side "
    "gets cached answers of the other. Evaluation runs, and requests that ask for another model or policy, do not take part.",
    epilog=examples(
        "septet canary start --share 0.05 --with model=next --for 24h",
        "septet canary start --share 0.1 --with policy=strict --tenant acme",
        "septet canary status",
        "septet canary stop                            end it from another terminal",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(
    "start",
    help="Start a canary and watch it.\n\n"
    "The command compares the candidate's responses with the others as two independent groups. The gate looks after every "
    "--look responses of the candidate; all looks together have the error probability of one gate, divided among the "
    "metrics. A FAIL ends the canary within a second: guardrails read it from septet.canaries.v1, no restart is needed. A PASS "
    "raises nothing by itself.\n\n"
    "The command renews the canary. If the command is killed, the canary ends after 45 s.\n\n"
    "Exit code: 0 PASS; 1 FAIL; 2 INCONCLUSIVE, or a wrong option; 3 it could not run; 130 interrupted.",
    epilog=examples("septet canary start --share 0.05 --with model=next --cases 1000 --look 100"),
)
def start(
    change: Annotated[
        str,
        typer.Option("--with", metavar="KIND=VALUE", help="model=ALIAS or policy=NAME, which exist already."),
    ],
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="Share of conversations.")] = 0.05,
    instead_of: Annotated[
        str, typer.Option(metavar="VALUE", help="Alias or policy of the requests that take part.")
    ] = "default",
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only this tenant; repeat it for several \\[default: all].")
    ] = None,
    span: Annotated[str, typer.Option("--for", help="How long at most: 90s, 30m, 24h or 7d.")] = "24h",
    cases: Annotated[int, typer.Option(min=10, help="Planned responses of the candidate.")] = 400,
    look: Annotated[int, typer.Option(min=1, help="Responses of the candidate between two looks.")] = 50,
    metric: Annotated[str, typer.Option(help="Metric that decides.")] = "groundedness",
    margin: Annotated[float, typer.Option(min=0, help="Largest loss of its mean that passes.")] = 0.05,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC", help="Further metric that must not get worse \\[default: abstention]."
        ),
    ] = None,
    errors: Annotated[
        float, typer.Option(min=0, max=1, help="Largest increase of the share of failures.")
    ] = 0.05,
    slower: Annotated[float, typer.Option(min=1, help="Largest ratio of the p99 latencies.")] = 2.0,
) -> None:
    """Start a canary, watch it, and exit with the verdict."""
    from datetime import UTC, datetime

    from septet_contracts import Canary

    from septet_cli.canary.groups import Limits
    from septet_cli.canary.session import Options
    from septet_cli.commands.up import until_signalled
    from septet_cli.replay.selection import parse_duration
    from septet_cli.replay.session import replay_settings
    from septet_cli.shadow.window import Plan

    try:
        kind, _, value = change.partition("=")
        kinds: dict[str, Literal["model", "policy"]] = {"model": "model", "policy": "policy"}
        if kind not in kinds or not value:
            raise CliError(
                f"--with {change}: a canary changes the model alias or the policy.",
                "give model=ALIAS or policy=NAME; try prompts and indexes with `septet shadow`",
            )
        if value == instead_of:
            raise CliError(
                f"--with {change}: this is what the requests have.", "give another alias or policy"
            )
        if look * 100 < cases:
            raise CliError(f"--look {look} is less than a hundredth of --cases {cases}.", "look less often")
        now = datetime.now(UTC)
        canary = Canary(
            run=f"canary-{now:%Y%m%d-%H%M%S}",
            field=kinds[kind],
            live=instead_of,
            candidate=value,
            share=share,
            tenants=tuple(tenant or ()),
            occurred_at=now,
            expires_at=now,
        )
        settings = replay_settings(metric, also or ("abstention",), margin)
        plan = Plan(cases, min(look, cases))
        options = Options(canary, parse_duration(span, "--for"), plan, Limits(errors, slower), settings)
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        fail(error)
    run(until_signalled(_start(options), when_stopped=EXIT_INTERRUPTED))


async def _start(options: Options) -> int:
    from septet_experiments.gates import EXIT_CODES

    from septet_cli.canary.session import Progress, comparison_of, run_canary
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    canary = options.canary
    err.print(
        f"{canary.run}: {canary.field} {canary.candidate} instead of {canary.live} for {canary.share:.4g} of conversations",
        markup=False,
    )
    with err.status("[dim]starting …[/]") as status:
        progress = Progress(
            comparison_of(options),
            on_look=_print_look,
            on_tick=lambda p: status.update(f"[dim]{_counts(p)}[/]"),
        )
        try:
            verdict = await run_canary(locate().kafka, known_tenants(), options, progress)
        except CliError as error:
            error.exit_code = EXIT_NOT_RUN
            raise
        finally:
            err.print(f"[dim]{_counts(progress)}; the share is 0[/]")
    out.print(verdict if progress.last is None else f"{verdict}: {progress.last.reason}", markup=False)
    return EXIT_CODES[verdict]


def _print_look(look: Look) -> None:
    err.print(
        f"look at {look.candidates} responses of the candidate and {look.lives} others: {look.verdict}: {look.reason}",
        markup=False,
        soft_wrap=True,
    )


def _counts(progress: Progress) -> str:
    of = progress.comparison
    return f"{of.count('candidate')} responses of the candidate, {of.count('live')} others"


@app.command("status", help="Show the present canary.", epilog=examples("septet canary status"))
def status() -> None:
    """Show the present canary."""
    run(_status())


async def _status() -> int:
    from septet_cli.canary.record import is_active, read_canary
    from septet_cli.target import locate

    canary = await read_canary(locate().kafka)
    if canary is None:
        out.print("There was no canary yet.")
        return EXIT_OK
    state = "active" if is_active(canary) else "ended" if canary.share == 0 else "expired"
    out.print(f"{canary.run}: {state}", markup=False)
    out.print(f"  {canary.field} {canary.candidate} instead of {canary.live}", markup=False)
    out.print(f"  share {canary.share:g}, tenants: {', '.join(canary.tenants) or 'all'}", markup=False)
    out.print(f"  {canary.reason}; renewed {canary.occurred_at:%Y-%m-%d %H:%M:%S} UTC", markup=False)
    return EXIT_OK


@app.command(
    "stop", help="End the present canary: its share becomes 0.", epilog=examples("septet canary stop")
)
def stop(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "stopped by the operator",
) -> None:
    """End the present canary."""
    run(_stop(reason))


async def _stop(reason: str) -> int:
    from septet_cli.canary.record import is_active, read_canary, write_canary
    from septet_cli.target import locate

    kafka = locate().kafka
    canary = await read_canary(kafka)
    if canary is None or not is_active(canary):
        raise CliError("No canary is active.", "`septet canary status` shows the last one")
    await write_canary(kafka, canary, 0, f"ended: {reason}")
    out.print(f"{canary.run}: ended", markup=False)
    return EXIT_OK
