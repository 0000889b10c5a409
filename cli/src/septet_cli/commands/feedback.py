"""``septet feedback``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from septet_cli.console import examples, fail, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_cli.labels import FeedbackReport


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "feedback",
        help="Say what an answer was worth. It joins the answer's trace and becomes a label.",
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
    request_id: Annotated[str, typer.Argument(help="Request id of the answer.")],
    up: Annotated[bool, typer.Option("--up", help="Thumbs up.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Thumbs down: revokes the cached answer.")] = False,
    rating: Annotated[int | None, typer.Option(min=1, max=5, help="Stars.")] = None,
    comment: Annotated[
        str | None, typer.Option(help="Words; alone, or with --up, --down or --flag-source.")
    ] = None,
    correct: Annotated[str | None, typer.Option(help="What the answer should have been.")] = None,
    flag_source: Annotated[str | None, typer.Option(help="Document id of a source that is wrong.")] = None,
    copied: Annotated[bool, typer.Option("--copied", help="The answer was copied.")] = False,
    regenerated: Annotated[bool, typer.Option("--regenerated", help="Another answer was asked for.")] = False,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="The answer was closed unread.")] = False,
    dwell: Annotated[float | None, typer.Option(min=0, help="Seconds the answer was looked at.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose answer.")] = None,
    user: Annotated[str | None, typer.Option(help="Pseudonym of who says it.")] = None,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the label; 0: do not wait.")
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
                "No feedback given.",
                "add one of --up, --down, --rating, --comment, --correct, --flag-source, …",
            )
        )
    if up and down:
        fail(CliError("--up and --down exclude each other.", "give one of them"))
    shared = {"request_id": request_id, "tenant": tenant or CliSettings().tenant, "user": user}
    run(_publish([_event(shared, event) for event in given], timeout))


def _event(shared: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    body = {**shared, "feedback_id": f"fb-{uuid4().hex[:20]}", **event}
    return {name: value for name, value in body.items() if value is not None}


async def _publish(events: list[dict[str, Any]], timeout: float) -> int:
    from septet_cli.labels import send_feedback
    from septet_cli.running import locate
    from septet_cli.tenancy import known_tenants

    report = await send_feedback(locate().kafka, events, timeout, known_tenants())
    for event in events:
        out.print(f"{event['kind']}: {_fate(event, report, timeout)}", soft_wrap=True)
    joined = len(report.labels) == len(events)
    return EXIT_OK if joined or (not timeout and not report.refused) else EXIT_FAILED


def _fate(event: dict[str, Any], report: FeedbackReport, timeout: float) -> str:
    name = event["feedback_id"]
    if name in report.labels:
        label = report.labels[name]
        return f"joined to the answer as {label['polarity']} (weight {label['weight']:g}), trace {label.get('trace_id', '-')}"
    if name in report.refused:
        return f"refused ({report.refused[name]}): see `septet dlq list feedback`"
    if timeout:
        return f"published, not joined within {timeout:g} s; it joins when the answer to {event['request_id']} is known"
    return "published"
