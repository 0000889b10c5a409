"""Guarded streaming: release the sentences of a draft that passed the output rails while the model writes the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from septet_contracts import Draft, ReleasedTokens, TokenChunk, Verdict, event_id

from septet_guardrails.application.correction import Conclude
from septet_guardrails.application.review import review
from septet_guardrails.domain.abstention import may_abstain
from septet_guardrails.domain.completeness import without_fragment
from septet_guardrails.domain.lru import Lru
from septet_guardrails.domain.policy import Policy
from septet_guardrails.domain.rails import OutputRails
from septet_guardrails.domain.rails.format import only_asks
from septet_guardrails.domain.score_memory import digest_of
from septet_guardrails.domain.text import split_sentences
from septet_guardrails.domain.unfinished import settled, stream_mode, without_open_end


@dataclass(frozen=True)
class Passed:
    """Text of an unfinished answer that may be shown.

    Attributes:
        text: from the beginning of the answer.
        verdicts: of the rails on it.
        ended: whether nothing more is shown, because the rails have changed text that was shown.
    """

    text: str = ""
    verdicts: tuple[Verdict, ...] = ()
    ended: bool = False


NOTHING = Passed()


class SentenceStream:
    """Decides which text of a draft may be shown after each of its chunks.

    It is a function of the chunk: the results for earlier chunks are remembered, and computed again if they are not.
    Thread-safe.

    Args:
        rails: the output rails, which also decide on the whole draft.
        entries: chunks that are remembered.
    """

    def __init__(self, rails: OutputRails, entries: int = 512) -> None:
        self._rails = rails
        self._known = Lru[bytes, Passed](entries)

    def release(self, chunk: TokenChunk, policy: Policy) -> ReleasedTokens | None:
        """Return the event with the text that this chunk adds; ``None`` if it adds none."""
        draft = chunk.draft
        if draft is None or stream_mode(draft, policy) != "sentence":
            return None
        before = self._shown(draft, chunk.cuts, policy)
        after = self._shown(draft, (*chunk.cuts, len(draft.answer)), policy)
        if len(after.text) == len(before.text):
            return None
        position = _Position(chunk.epoch, chunk.sequence, len(before.text))
        return _event(draft, position, after, chunk.event_id, chunk.occurred_at)

    def _shown(self, draft: Draft, cuts: Sequence[int], policy: Policy) -> Passed:
        """Return what may be shown after the chunks with these lengths."""
        if not cuts:
            return NOTHING
        text = draft.answer[: cuts[-1]]
        owner = (draft.tenant, draft.request_id, draft.request_digest, str(draft.epoch))
        key = digest_of((*owner, policy.version, text))
        if (known := self._known.get(key)) is not None:
            return known
        before = self._shown(draft, cuts[:-1], policy)
        after = before if before.ended else _extended(before, self._passed(draft, text, policy))
        self._known.put(key, after)
        return after

    def _passed(self, draft: Draft, text: str, policy: Policy) -> Passed:
        """Run the rails on the beginning of a draft, as if a limit had ended it there."""
        text = settled(text, policy.output)
        if not text or may_abstain(text):
            return NOTHING
        found = review(draft.model_copy(update={"finish_reason": "length"}), text, policy, self._rails)
        if not found.passed or may_abstain(found.text):
            return NOTHING
        shown = without_fragment(settled(found.text, policy.output), cut_off=True)
        shown = without_open_end(shown, found.text)
        if only_asks(shown) or (shown != found.text and not self._passes_alone(draft, shown, policy)):
            return NOTHING
        return Passed(shown, tuple(v.model_copy(update={"latency_ms": 0.0}) for v in found.verdicts))

    def _passes_alone(self, draft: Draft, shown: str, policy: Policy) -> bool:
        """Whether the rails accept the text without the sentences that are held back: they may be dropped later."""
        alone = draft.model_copy(update={"finish_reason": "stop"})
        return bool(shown) and review(alone, shown, policy, self._rails).passed


def released_whole(draft: Draft, step: Conclude, policy: Policy) -> ReleasedTokens | None:
    """Return the event with a whole answer and its end; ``None`` if the response alone may show it."""
    if not draft.ask.stream or policy.stream == "off" or draft.sealed is not None or step.kind != "generated":
        return None
    position = _Position(draft.epoch or 1, draft.chunks, 0)
    verdicts = tuple(v.model_copy(update={"latency_ms": 0.0}) for v in step.verdicts)
    event = _event(draft, position, Passed(step.answer, verdicts), draft.event_id, draft.occurred_at)
    return event.model_copy(update={"done": True})


def _extended(before: Passed, found: Passed) -> Passed:
    """Return the later of two texts if it continues the earlier one."""
    if not found.text or before.text.startswith(found.text):
        return before
    return found if found.text.startswith(before.text) else replace(before, ended=True)


@dataclass(frozen=True)
class _Position:
    """Place of a record in its stream, and of its text in the answer."""

    epoch: int
    sequence: int
    start: int


def _event(
    draft: Draft, position: _Position, passed: Passed, causation_id: UUID, occurred_at: datetime
) -> ReleasedTokens:
    """Make an event whose bytes depend on the events before it alone, so that a redelivery repeats them."""
    item = f"{position.epoch}/{position.sequence}"
    return ReleasedTokens(
        request_id=draft.request_id,
        tenant=draft.tenant,
        conversation_id=draft.conversation_id,
        event_id=event_id(draft.tenant, draft.request_id, ReleasedTokens.STEP, item),
        occurred_at=occurred_at,
        deadline=draft.deadline,
        causation_id=causation_id,
        request_digest=draft.request_digest,
        epoch=position.epoch,
        sequence=position.sequence,
        start=position.start,
        text=passed.text[position.start :],
        sentence=len(split_sentences(passed.text)),
        verdicts=passed.verdicts,
    )
