"""Which responses are judged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from septet_contracts import Response

Skip = Literal[
    "no_answer",
    "evaluation",
    "not_sampled",
    "personal_data",
    "self",
    "no_sources",
    "late",
    "outage",
    "budget",
    "rejected",
]
"""Why a response is not judged.

``evaluation``: its run judges it. ``personal_data``: the answer may contain values that were masked for the model.
``self``: the judge wrote the answer. ``no_sources``: only groundedness is judged, and it needs sources. ``late``: the record waited too long. ``rejected``: the endpoint rejects the call.
"""

_JUDGED_KINDS = frozenset({"generated", "extractive", "cached"})


class Skipped(Exception):
    """A response is not judged."""

    def __init__(self, reason: Skip) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Sampling:
    """Shares of responses to judge, 0 to 1. A tenant's share takes precedence over that of a policy."""

    share: float
    policies: Mapping[str, float] = field(default_factory=dict)
    tenants: Mapping[str, float] = field(default_factory=dict)

    def includes(self, response: Response) -> bool:
        """Whether a response is in the sample. It depends on the request alone, so a redelivery decides the same."""
        by_policy = self.policies.get(response.policy or "default", self.share)
        return position(response.tenant, response.request_id) < self.tenants.get(response.tenant, by_policy)


def position(tenant: str, request_id: str) -> float:
    """A request's place in [0, 1), evenly spread. It is independent of the trace id, which other samplers use."""
    digest = hashlib.sha256(f"judge\x1f{tenant}\x1f{request_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


@dataclass(frozen=True)
class Selection:
    """The rules that need nothing but the response."""

    sampling: Sampling
    judge_model: str
    allow_self: bool

    def refuse(self, response: Response) -> Skip | None:
        """Why a response is not judged, or None."""
        if response.status != "answered" or not response.answer or response.answer_kind not in _JUDGED_KINDS:
            return "no_answer"
        if response.evaluation is not None:
            return "evaluation"
        if not self.sampling.includes(response):
            return "not_sampled"
        if _may_hold_restored_values(response):
            return "personal_data"
        if response.model == self.judge_model and not self.allow_self:
            return "self"
        return None


def _may_hold_restored_values(response: Response) -> bool:
    """Whether the question's personal data was masked. A policy with ``restore`` puts the values back into the answer."""
    return any(v.stage == "input" and v.decision == "mask" for v in response.verdicts)
