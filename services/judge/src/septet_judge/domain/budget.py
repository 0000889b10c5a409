"""The budget of a UTC day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import ceil

from septet_experiments.judges import ChatCall, EndpointSettings, Usage

_OVERHEAD_TOKENS = 32
"""Tokens that chat templates add to a call."""


@dataclass(frozen=True)
class Spend:
    """Calls, tokens and millionths of a US dollar."""

    calls: int = 0
    tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True)
class Reservation:
    """A part of a day's budget."""

    day: date
    spend: Spend


def upper_bound(calls: Iterable[ChatCall], endpoint: EndpointSettings) -> Spend:
    """The most that calls can cost, with all retries.

    A token of common tokenizers is at least one byte of UTF-8, so the bound holds for every language. It is too high for
    most texts; the difference is returned when the calls end.
    """
    total, tries = Spend(), endpoint.attempts
    for call in calls:
        prompt = len(f"{call.system}{call.user}".encode()) + _OVERHEAD_TOKENS
        usd = (prompt * endpoint.prompt_usd + call.max_tokens * endpoint.completion_usd) / 1e6
        # A try whose reply is lost costs as much as one with a reply.
        total = Spend(
            total.calls + tries,
            total.tokens + tries * (prompt + call.max_tokens),
            total.micro_usd + tries * ceil(usd * 1e6),
        )
    return total


def spent(usage: Usage, reserved: Spend) -> Spend:
    """What calls did cost. Without a report of the endpoint, the whole reservation counts as spent."""
    if usage.unreported:
        return Spend(usage.calls, reserved.tokens, reserved.micro_usd)
    return Spend(usage.calls, usage.tokens, ceil(usage.cost_usd * 1e6))
