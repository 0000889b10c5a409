"""Handlers of the guardrails topics: ``requests`` become screened questions, ``drafts`` outcomes, ``tokens`` text."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from septet_contracts import (
    Ask,
    Canary,
    Check,
    Draft,
    Outcome,
    Request,
    Revision,
    Screened,
    TokenChunk,
    event_id,
    request_digest,
)
from septet_kit import Context, Emit, Emits, Permanent, TooLate, advance, deadline_of
from septet_kit.offload import Offload

from septet_guardrails.application.checking import OFF, Checked, check_answer, check_passages, draft_fields
from septet_guardrails.application.correction import Conclude, Revise, decide
from septet_guardrails.application.judging import COMPONENT, Judge, judged
from septet_guardrails.application.restoring import WITHOUT_KEYS, Restorer
from septet_guardrails.application.screening import Screening, screen
from septet_guardrails.application.streaming import SentenceStream, released_whole
from septet_guardrails.domain.canary import with_candidate
from septet_guardrails.domain.entailment import Judgements
from septet_guardrails.domain.errors import Rejected
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import InputRails, OutputRails
from septet_guardrails.domain.rails.base import MAX_ANSWER
from septet_guardrails.domain.replies import blocked, truncation
from septet_guardrails.ports import LanguageDetector, Policies
from septet_guardrails.telemetry import count_canary, count_chunk, count_restored, count_verdicts

STAGE = "guardrails"

_offload = Offload(inline=1_024)
_ALWAYS_OFFLOADED = sys.maxsize


@dataclass(frozen=True)
class RequestsHandler:
    """Screens a request: emits ``screened``, a ``blocked`` outcome with the reason, or a reply to small talk.

    A request with ``check`` ends here, with the verdicts of the input rails and of ``output_rails``.
    """

    policies: Policies
    rails: InputRails
    detect_language: LanguageDetector
    output_rails: OutputRails | None = None
    restorer: Restorer = WITHOUT_KEYS
    judge: Judge | None = None
    canary: Callable[[], Canary | None] = lambda: None

    async def __call__(self, request: Request, ctx: Context) -> Emits:
        """Handle one record of ``requests``.

        Raises:
            Permanent: the question is empty, the policy is unknown, the output schema is not usable, or the
                deadline is earlier than the record's timestamp.
            TooLate: the deadline passed while the record waited.
        """
        deadline = _deadline(request, ctx)
        ask = self._asked(request)
        try:
            policy = self.policies.find(request.tenant, ask.policy)
            size = _question_size(ask, policy, len(ctx.value))
            result = await _offload(size, screen, ask, policy, self.rails, self.detect_language)
        except Rejected as error:
            raise _permanent(error) from error
        count_verdicts(result.verdicts)
        screened = _screened(request, ctx, result, policy, deadline)
        if request.check is not None:
            return [await self._check(request.check, screened, result, policy, ctx)]
        if result.blocked_by is not None:
            return [_ended(screened, ctx, "blocked", blocked(result.blocked_by, result.language))]
        if result.reply is not None:
            return [_ended(screened, ctx, "answered", result.reply)]
        sealed = self.restorer.seal(screened, result.values)
        update = {"timings": (ctx.timing(STAGE),), "sealed": sealed}
        return [Emit("screened", screened.model_copy(update=update))]

    def _asked(self, request: Request) -> Ask:
        """The question with its options; those of the candidate, if the request belongs to a canary."""
        ask = Ask(**{name: getattr(request, name) for name in Ask.model_fields})
        canary = self.canary() if request.check is None else None
        chosen = with_candidate(
            ask, canary, request.tenant, request.conversation_id, request.request_id, datetime.now(UTC)
        )
        if canary is not None and chosen is not ask:
            count_canary(canary)
        return chosen

    async def _check(
        self, check: Check, screened: Screened, result: Screening, policy: Policy, ctx: Context
    ) -> Emit:
        """Return the outcome of a check; the output rails run although an input rail blocks the question."""
        checked = Checked("answered", None, ())
        degraded: tuple[str, ...] = ()
        _require_bounded(check)
        draft = advance(screened, Draft, ctx, stage=STAGE, **draft_fields(check))
        passages, found = await _offload(_size(draft), check_passages, draft.passages, policy.input.injection)
        draft = draft.model_copy(update={"passages": passages})
        count_verdicts(found)
        if check.answer is not None:
            if self.output_rails is None:
                raise Permanent("checks_not_available", "this service has no output rails", field="check")
            size, rails = _size(draft), self.output_rails
            checked, degraded = await judged(
                self.judge,
                policy.output_rules(contained=draft.contained).groundedness,
                ctx.remaining,
                lambda found: _offload(size, check_answer, draft, policy, rails, found),
            )
            count_verdicts(checked.verdicts)
        blocked_by_input = result.blocked_by is not None
        status = "blocked" if blocked_by_input else checked.status
        fields = {
            "verdicts": (*result.verdicts, *found, *checked.verdicts),
            "passages": draft.passages,
            "retrieval": OFF,
            "degraded": degraded,
        }
        return _ended(screened, ctx, status, None if blocked_by_input else checked.answer, **fields)


@dataclass(frozen=True)
class DraftsHandler:
    """Reviews a draft: emits an outcome, or a revision that asks the model again."""

    policies: Policies
    rails: OutputRails
    restorer: Restorer = WITHOUT_KEYS
    judge: Judge | None = None

    async def __call__(self, draft: Draft, ctx: Context) -> Emits:
        """Handle one record of ``drafts``.

        Raises:
            Permanent: the policy no longer exists.
        """
        policy = self._policy(draft)
        step, degraded = await self._decide(draft, policy, ctx)
        count_verdicts(step.verdicts)
        sealed_answer = None
        if isinstance(step, Conclude) and draft.sealed is not None:
            step, sealed_answer = await self._restored(draft, step)
        decided: dict[str, Any] = {
            "verdicts": (*(v for v in draft.verdicts if v.stage == "input"), *step.verdicts),
            "policy_version": policy.version,
            "degraded": (*(part for part in draft.degraded if part != COMPONENT), *degraded),
        }
        if isinstance(step, Revise):
            decided |= {"rejected": draft.answer, "complaints": step.complaints, "attempt": draft.attempt + 1}
            item = str(draft.attempt + 1)
            return [Emit("revisions", advance(draft, Revision, ctx, stage=STAGE, item=item, **decided))]
        decided |= {"status": step.status, "origin": STAGE, "answer": step.answer, "answer_kind": step.kind}
        decided["sealed_answer"] = sealed_answer
        decided["error"] = truncation(draft, STAGE) if step.truncated else None
        whole = released_whole(draft, step, policy)
        released = [Emit("released-tokens", whole)] if whole is not None else []
        return [Emit("outcomes", advance(draft, Outcome, ctx, stage=STAGE, **decided)), *released]

    async def _decide(
        self, draft: Draft, policy: Policy, ctx: Context
    ) -> tuple[Revise | Conclude, tuple[str, ...]]:
        """Return the next step, and the components that were not available for it."""

        def review(found: Judgements | None) -> Awaitable[Revise | Conclude]:
            remaining = (draft.deadline - datetime.now(UTC)).total_seconds()
            return _offload(_size(draft), decide, draft, policy, self.rails, remaining, found)

        rule = policy.output_rules(contained=draft.contained).groundedness
        return await judged(self.judge, rule, ctx.remaining, review)

    async def _restored(self, draft: Draft, step: Conclude) -> tuple[Conclude, str | None]:
        """Return the conclusion with its final verdicts, and the sealed answer with the user's values."""
        restored = await _offload(_size(draft), self.restorer.restore, draft, step)
        if restored is None:
            return step, None
        count_restored(restored.result)
        return restored.step, restored.sealed_answer

    def _policy(self, draft: Draft) -> Policy:
        try:
            return self.policies.find(draft.tenant, draft.ask.policy)
        except Rejected as error:
            raise _permanent(error) from error


@dataclass(frozen=True)
class TokensHandler:
    """Checks the beginning of a draft that the model still writes: emits the sentences that may be shown.

    The response does not depend on them, so a chunk that cannot be checked is dropped.
    """

    policies: Policies
    stream: SentenceStream

    async def __call__(self, chunk: TokenChunk, ctx: Context) -> Emits:
        """Handle one record of ``tokens``."""
        if chunk.draft is None:
            return []
        try:
            policy = self.policies.find(chunk.draft.tenant, chunk.draft.ask.policy)
        except Rejected:
            return []
        released = await _offload(_size(chunk.draft), self.stream.release, chunk, policy)
        count_chunk(released=released is not None)
        return [] if released is None else [Emit("released-tokens", released)]


def _screened(
    request: Request, ctx: Context, result: Screening, policy: Policy, deadline: datetime
) -> Screened:
    return Screened(
        request_id=request.request_id,
        tenant=request.tenant,
        conversation_id=request.conversation_id,
        event_id=event_id(request.tenant, request.request_id, Screened.STEP),
        occurred_at=datetime.now(UTC),
        deadline=deadline,
        accepted_at=ctx.timestamp,
        request_digest=request_digest(ctx.value),
        # Without a wish for partial text, generation sends none.
        ask=result.ask.model_copy(update={"stream": False}) if policy.stream == "off" else result.ask,
        language=result.language,
        policy_version=policy.version,
        verdicts=result.verdicts,
    )


def _ended(screened: Screened, ctx: Context, status: str, answer: str | None, **fields: Any) -> Emit:
    """Return the outcome of a request that no further stage handles."""
    outcome = advance(
        screened,
        Outcome,
        ctx,
        stage=STAGE,
        causation_id=None,
        status=status,
        origin=STAGE,
        answer=answer,
        **fields,
    )
    return Emit("outcomes", outcome)


def _question_size(ask: Ask, policy: Policy, size: int) -> int:
    """Bytes that the input rails read. The injection classifier and a schema can be slow for a question of any size."""
    if policy.input.injection.enabled or ask.output_schema is not None:
        return _ALWAYS_OFFLOADED
    return size


def _size(draft: Draft) -> int:
    """Characters that the output rails read. Validation against a schema can be slow for an answer of any size."""
    if draft.ask.output_schema is not None:
        return _ALWAYS_OFFLOADED
    return len(draft.answer) + len(draft.ask.query) + sum(len(passage.text) for passage in draft.passages)


def _require_bounded(check: Check) -> None:
    """Reject texts that would occupy a thread for long: every question of every tenant is screened in the same pool.

    Raises:
        Permanent: answer and passages together are too long (code ``check_too_large``).
    """
    size = len(check.answer or "") + sum(len(passage.text) for passage in check.passages)
    if size > MAX_ANSWER:
        message = f"answer and passages have {size} characters, more than {MAX_ANSWER}"
        raise Permanent(
            "check_too_large", message, field="check", fix="send the passages that the answer cites"
        )


def _deadline(request: Request, ctx: Context) -> datetime:
    deadline = deadline_of(request, ctx)
    if request.deadline is not None and deadline <= ctx.timestamp:
        message = f"the deadline {deadline.isoformat()} was over when the request arrived"
        fix = "send a deadline in the future, or none for 60 s"
        raise Permanent("deadline_passed", message, field="deadline", fix=fix)
    if deadline <= datetime.now(UTC):
        raise TooLate("the deadline passed before the request was screened")
    return deadline


def _permanent(error: Rejected) -> Permanent:
    return Permanent(error.code, error.message, field=error.field, fix=error.fix)
