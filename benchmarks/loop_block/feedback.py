"""Feedback, without its store: storing shown answers and creating labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from septet_contracts import Correction, Release
from septet_feedback.domain.labels import label, label_key
from septet_feedback.domain.shown import shown_from
from septet_kit import Context, Emit
from septet_kit.hostile import UNITS, text

from benchmarks.loop_block.cache import release as largest_release
from benchmarks.loop_block.case import QUESTION, Case, of


def cases() -> Iterator[Case]:
    for unit in UNITS:
        shown = shown_from(largest_release(unit), None)

        async def release(event: Release, ctx: Context) -> Sequence[Emit]:
            shown_from(event, ctx.traceparent)
            return ()

        async def feedback(event: Any, ctx: Context, shown: Any = shown) -> Sequence[Emit]:
            made = label(event, shown, datetime.now(UTC))
            return (Emit("labels", made, label_key(made)),)

        yield of(f"release, {unit}", "releases", largest_release(unit), release)
        correction = Correction(
            request_id="r", feedback_id="f", kind="correction", answer=text(unit, QUESTION)
        )
        yield of(f"correction, {unit}", "feedback", correction, feedback)
