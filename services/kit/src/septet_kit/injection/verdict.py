"""Verdict on the passages of a request."""

from __future__ import annotations

from collections.abc import Mapping

from septet_contracts import Verdict

RAIL = "retrieval_injection"
_NAMED = 3
_LONGEST_NAME = 120


def passages_verdict(counts: Mapping[str, int], decision: str, latency_ms: float = 0.0) -> Verdict:
    """Return the verdict of the rail on passages, ``pass`` if no document contains an instruction.

    Its stage is ``input``, because passages are a part of the model's input: the contract has no stage of its own
    for them, and a new value would break older readers.

    Args:
        counts: instructions to the assistant by document id.
        decision: what is done about them, ``mask`` or ``flag``.
    """
    if not counts:
        return Verdict(rail=RAIL, stage="input", decision="pass", score=0.0, latency_ms=latency_ms)
    named = [f"{name[:_LONGEST_NAME]} ({count})" for name, count in list(counts.items())[:_NAMED]]
    more = f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    reason = f"instructions to the assistant in {', '.join(named)}{more}"
    return Verdict(
        rail=RAIL, stage="input", decision=decision, score=1.0, reason=reason, latency_ms=latency_ms
    )
