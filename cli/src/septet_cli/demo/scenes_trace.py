"""Scenes about the trace of a request and the number of responses."""

from __future__ import annotations

import asyncio

from septet_cli.demo.scenes_answers import FIRST, STAGES
from septet_cli.demo.session import Session
from septet_cli.render import trace_page
from septet_cli.traces import complete_trace
from septet_cli.waterfall import forest, render


async def waterfall(s: Session) -> None:
    """The trace of one request."""
    s.scene("The trace of one request")
    response = s.answers.get(FIRST)
    generated = next(
        (r for r in s.answers.values() if r.answer_kind in ("generated", "extractive")), response
    )
    if generated is None or generated.trace_id is None:
        s.checks.that("trace", False, expected="an answered request", got="none")
        return
    found = await complete_trace(s.traces_url, generated.trace_id, timeout=10)
    if found is None:
        s.checks.that("trace", False, expected=f"trace {generated.trace_id}", got="not found")
        return
    s.console.print(render(found, width=32))
    s.console.print(
        f"\n  in the browser: [bold]{trace_page(s.traces_url, generated.trace_id)}[/]", soft_wrap=True
    )
    services = {p["serviceName"].removeprefix("septet-") for p in found["processes"].values()}
    roots = forest(found)
    s.checks.that(
        "one trace through every service",
        services >= STAGES and len(roots) == 1,
        expected=f"one root and spans of {sorted(STAGES)}",
        got=f"{len(roots)} roots, spans of {sorted(services)}",
    )


async def exactly_one(s: Session) -> None:
    """Each request has one response."""
    s.scene("Exactly one response per request")
    await asyncio.sleep(1)
    counts = {request: s.client.seen[request] for request in s.asked}
    wrong = {request: n for request, n in counts.items() if n != 1}
    s.checks.that(f"{len(counts)} requests, one response each", not wrong, expected="1 each", got=wrong)
