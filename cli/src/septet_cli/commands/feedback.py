"""``septet feedback``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from septet_cli.console import examples, fail, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_cli.labels import FeedbackReport


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "feedback",
        help="Give feedback on an answer. It becomes a label and joins the trace of the answer.",
        epilog=examples(
            "septet feedback ask-1f00 --up",
            'septet feedback ask-1f00 --down --comment "wrong function"',
            "septet feedback ask-1f00 --rating 4",
            'septet feedback ask-1f00 --correct "It returns a string."',
            'septet feedback ask-1f00 --flag-source docs/old.md --comment "outdated"',
            "septet feedback ask-1f00 --copied",
        ),
    )(feedback)


def feedback(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="Request id of the answer.")],
    up: Annotated[bool, typer.Option("--up", help="Thumbs up.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Thumbs down; revokes the cached answer.")] = False,
    rating: Annotated[int | None, typer.Option(min=1, max=5, help="Rating in stars.")] = None,
    comment: Annotated[
        str | None, typer.Option(help="Comment, alone or with --up, --down or --flag-source.")
    ] = None,
    correct: Annotated[str | None, typer.Option(help="The correct answer.")] = None,
    flag_source: Annotated[str | None, typer.Option(help="Document id of a wrong source.")] = None,
    copied: Annotated[bool, typer.Option("--copied", help="The user copied the answer.")] = False,
    regenerated: Annotated[
        bool, typer.Option("--regenerated", help="The user asked for another answer.")
    ] = False,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="The user closed the answer.")] = False,
    dwell: Annotated[
        float | None, typer.Option(min=0, help="Seconds for which the answer was shown.")
    ] = None,
    tenant: Annotated[str | None, tenant_of("answer")] = None,
    user: Annotated[str | None, typer.Option(help="Pseudonym of the user.")] = None,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the label; 0 does not wait.")
    ] = 15,
) -> None:
    """Build the events and publish them."""
    from septet_cli.settings import CliSettings

    kinds: list[tuple[bool, dict[str, Any]]] = [
        (up, {"kind": "thumbs", "value": "up", "comment": comment}),
        (down, {"kind": "thumbs", "value": "down", "comment": comment}),
        (rating is not None, {"kind": "rating", "stars": rating}),
        (correct is not None, {"kind": "correction", "answer": correct}),
        (flag_source is not None, {"kind": "flagged_source", "document_id": flag_source, "reason": comment}),
        (copied, {"kind": "copied"}),
        (regenerated, {"kind": "regenerated"}),
        (dismissed, {"kind": "dismissed"}),
        (dwell is not None, {"kind": "dwell", "seconds": dwell}),
    ]
    given = [event for wanted, event in kinds if wanted]
    if comment is not None and not (up or down or flag_source):
        given.append({"kind": "comment", "text": comment})
    if not given:
        fail(
            CliError(
                "No feedback was given.",
                "add one of --up, --down, --rating, --comment, --correct, --flag-source, …",
            )
        )
    if up and down:
        fail(CliError("--up and --down exclude each other.", "give only one of them"))
    shared = {"request_id": request_id, "tenant": tenant or CliSettings().tenant, "user": user}
    run(_publish([_event(shared, event) for event in given], timeout))


def _event(shared: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    body = {**shared, "feedback_id": f"fb-{uuid4().hex[:20]}", **event}
    return {name: value for name, value in body.items() if value is not None}


async def _publish(events: list[dict[str, Any]], timeout: float) -> int:
    from septet_cli.labels import send_feedback
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    report = await send_feedback(locate().kafka, events, timeout, known_tenants())
    for event in events:
        out.print(f"{event['kind']}: {_result(event, report, timeout)}", soft_wrap=True)
    joined = len(report.labels) == len(events)
    return EXIT_OK if joined or (not timeout and not report.rejected) else EXIT_FAILED


def _result(event: dict[str, Any], report: FeedbackReport, timeout: float) -> str:
    name = event["feedback_id"]
    if name in report.labels:
        label = report.labels[name]
        return f"label {label['polarity']} (weight {label['weight']:g}), trace {label.get('trace_id', '-')}"
    if name in report.rejected:
        return f"rejected ({report.rejected[name]}): see `septet dlq list feedback`"
    if timeout:
        return f"published; no label within {timeout:g} s (it follows once the response to {event['request_id']} arrives)"
    return "published"
