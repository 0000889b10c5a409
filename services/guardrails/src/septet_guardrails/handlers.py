"""Requests to screened questions, drafts to outcomes: the contracts' side of the rails."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from septet_contracts import (
    Ask,
    Draft,
    Outcome,
    Request,
    Revision,
    Screened,
    Verdict,
    event_id,
    request_digest,
)
from septet_kit import Context, Emit, Emits, Permanent, TooLate, advance, deadline_of
from septet_kit.observe import metrics
from septet_kit.offload import Offload

from septet_guardrails.domain.correction import Revise, decide
from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import InputRails, OutputRails
from septet_guardrails.domain.replies import blocked
from septet_guardrails.domain.screening import screen
from septet_guardrails.ports import LanguageDetector, Policies

STAGE = "guardrails"

_offload = Offload(inline=1_024)
_UNKNOWN = sys.maxsize

_verdicts = metrics.counter(
    "septet_guard_verdicts_total", "Verdicts of rails.", ["stage", "rail", "decision"]
)


@dataclass(frozen=True)
class InputHandler:
    """Screens a request: ``screened`` if it may go on, else the outcome that says why not."""

    policies: Policies
    rails: InputRails
    detect_language: LanguageDetector

    async def __call__(self, request: Request, ctx: Context) -> Emits:
        """Handle one record of ``requests``.

        Raises:
            Permanent: empty question, unknown policy, unusable schema, a deadline before the record's time.
            TooLate: the deadline passed while the record waited.
        """
        deadline = _deadline(request, ctx)
        ask = Ask(**{name: getattr(request, name) for name in Ask.model_fields})
        size = len(ctx.value) if ask.output_schema is None else _UNKNOWN
        try:
            policy = self.policies.find(request.tenant, ask.policy)
            found = await _offload(size, screen, ask, policy, self.rails, self.detect_language)
        except Rejected as error:
            raise _permanent(error) from error
        _count(found.verdicts)
        screened = Screened(
            request_id=request.request_id, tenant=request.tenant, conversation_id=request.conversation_id,
            event_id=event_id(request.tenant, request.request_id, Screened.STEP), occurred_at=datetime.now(UTC),
            deadline=deadline, accepted_at=ctx.timestamp, request_digest=request_digest(ctx.value), ask=found.ask,
            language=found.language, policy_version=policy.version, verdicts=found.verdicts,
        )  # fmt: skip
        if found.blocked_by is None:
            return [Emit("screened", screened.model_copy(update={"timings": (ctx.timing(STAGE),)}))]
        outcome = advance(
            screened, Outcome, ctx, stage=STAGE, causation_id=None, status="blocked", origin=STAGE,
            answer=blocked(found.blocked_by, found.language),
        )  # fmt: skip
        return [Emit("outcomes", outcome)]


@dataclass(frozen=True)
class OutputHandler:
    """Reviews a draft: an outcome, or a revision that asks the model once more."""

    policies: Policies
    rails: OutputRails

    async def __call__(self, draft: Draft, ctx: Context) -> Emits:
        """Handle one record of ``drafts``.

        Raises:
            Permanent: the policy is not known any more.
        """
        policy = self._policy(draft)
        remaining = (draft.deadline - datetime.now(UTC)).total_seconds()
        step = await _offload(_size(draft), decide, draft, policy, self.rails, remaining)
        _count(step.verdicts)
        verdicts = (*(v for v in draft.verdicts if v.stage == "input"), *step.verdicts)
        if isinstance(step, Revise):
            attempt = draft.attempt + 1
            revision = advance(
                draft, Revision, ctx, stage=STAGE, item=str(attempt), rejected=draft.answer,
                complaints=step.complaints, attempt=attempt, verdicts=verdicts, policy_version=policy.version,
            )  # fmt: skip
            return [Emit("revisions", revision)]
        outcome = advance(
            draft, Outcome, ctx, stage=STAGE, status=step.status, origin=STAGE, answer=step.answer,
            answer_kind=step.kind, verdicts=verdicts, policy_version=policy.version,
        )  # fmt: skip
        return [Emit("outcomes", outcome)]

    def _policy(self, draft: Draft) -> Policy:
        try:
            return self.policies.find(draft.tenant, draft.ask.policy)
        except Rejected as error:
            raise _permanent(error) from error


def _size(draft: Draft) -> int:
    """Characters that output rails read; a schema can make any answer costly."""
    if draft.ask.output_schema is not None:
        return _UNKNOWN
    return len(draft.answer) + len(draft.ask.query) + sum(len(passage.text) for passage in draft.passages)


def _deadline(request: Request, ctx: Context) -> datetime:
    deadline = deadline_of(request, ctx)
    if request.deadline is not None and deadline <= ctx.timestamp:
        raise Permanent(
            "deadline_passed", f"the deadline {deadline.isoformat()} was over when the request arrived",
            field="deadline", fix="send a deadline in the future, or none for 60 s",
        )  # fmt: skip
    if deadline <= datetime.now(UTC):
        raise TooLate("the deadline passed before the request was looked at")
    return deadline


def _permanent(error: Rejected) -> Permanent:
    return Permanent(error.code, error.message, field=error.field, fix=error.fix)


def _count(verdicts: tuple[Verdict, ...]) -> None:
    for verdict in verdicts:
        _verdicts.labels(verdict.stage, verdict.rail, verdict.decision).inc()
