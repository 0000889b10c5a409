"""Handlers of the consumed topics: a question or a revision in, a draft out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from septet_contracts import Grounded, Revision, decode, topic
from septet_kit import Context, Emit, Permanent
from septet_kit.observe import get_logger

from septet_generation.application.cancellations import Cancellations, RequestCancelled
from septet_generation.application.drafting import Drafter
from septet_generation.ports import Ledger
from septet_generation.telemetry import count_cancelled

log = get_logger()

# The ledger renews the lease while the model works. When a process dies, another one waits this long at most.
_LEASE = timedelta(seconds=6)
_CANCELLED = b""


class DraftOnce:
    """Drafts an answer and stores it in the ledger, by tenant, request, digest and attempt.

    A redelivered event publishes the stored bytes and does not call the model again. The draft of a cancelled request is
    stored as empty bytes, and nothing is published.
    """

    def __init__(self, drafter: Drafter, ledger: Ledger, cancellations: Cancellations) -> None:
        self._drafter = drafter
        self._ledger = ledger
        self._cancellations = cancellations

    async def __call__(self, event: Grounded | Revision, ctx: Context, attempt: int) -> Sequence[Emit]:
        """Draft an answer.

        Raises:
            Permanent: the request wants no model call (code ``generation_not_wanted``).
        """
        if not event.ask.generate:
            message = "the request has `generate: false`, so no model is called"
            fix = "end such requests before `grounded`; the client may send `generate: true`"
            raise Permanent("generation_not_wanted", message, field="generate", fix=fix)
        made: list[Emit] = []

        async def work() -> bytes:
            try:
                async with self._cancellations.watch(event.tenant, event.request_id):
                    made.append(Emit("drafts", await self._drafter.draft(event, ctx, attempt)))
            except RequestCancelled as cancelled:
                count_cancelled("during" if cancelled.during_call else "before")
                log.info("draft cancelled", attempt=attempt, during_call=cancelled.during_call)
                return _CANCELLED
            return made[0].value

        key = f"{event.tenant}/{event.request_id}/{event.request_digest}/{attempt}"
        stored, replayed = await self._ledger.run(key, work, _LEASE, tenant=event.tenant)
        if not replayed or stored == _CANCELLED:
            return made
        log.info("draft replayed from the ledger", attempt=attempt)
        return [Emit("drafts", decode(topic("drafts"), stored))]


class GroundedHandler:
    """``grounded`` → ``drafts``: the first draft of an answer."""

    def __init__(self, draft_once: DraftOnce) -> None:
        self._draft_once = draft_once

    async def __call__(self, event: Grounded, ctx: Context) -> Sequence[Emit]:
        return await self._draft_once(event, ctx, 1)


class RevisionsHandler:
    """``revisions`` → ``drafts``: a corrected draft."""

    def __init__(self, draft_once: DraftOnce) -> None:
        self._draft_once = draft_once

    async def __call__(self, event: Revision, ctx: Context) -> Sequence[Emit]:
        return await self._draft_once(event, ctx, event.attempt)
