"""What generation does with each event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from septet_contracts import Grounded, Revision, decode, topic
from septet_kit import Context, Emit
from septet_kit.observe import get_logger

from septet_generation.drafting import Drafter
from septet_generation.ports import Ledger

log = get_logger()

# Renewed while the model works; so long another instance waits for a draft whose process has died.
_LEASE = timedelta(seconds=6)


class Handlers:
    """Grounded questions and revisions in, drafts out.

    Each draft is paid for once: its bytes are kept in a ledger under tenant, request, digest and attempt,
    and a redelivered event publishes them again.
    """

    def __init__(self, drafter: Drafter, ledger: Ledger) -> None:
        self._drafter = drafter
        self._ledger = ledger

    async def grounded(self, event: Grounded, ctx: Context) -> Sequence[Emit]:
        """The first draft of an answer."""
        return await self._draft(event, ctx, 1)

    async def revision(self, event: Revision, ctx: Context) -> Sequence[Emit]:
        """A mended draft."""
        return await self._draft(event, ctx, event.attempt)

    async def _draft(self, event: Grounded | Revision, ctx: Context, attempt: int) -> Sequence[Emit]:
        made: list[Emit] = []

        async def work() -> bytes:
            made.append(Emit("drafts", await self._drafter.draft(event, ctx, attempt)))
            return made[0].value

        key = f"{event.tenant}/{event.request_id}/{event.request_digest}/{attempt}"
        stored, replayed = await self._ledger.run(key, work, _LEASE, tenant=event.tenant)
        if not replayed:
            return made
        log.info("draft replayed from the ledger", attempt=attempt)
        return [Emit("drafts", decode(topic("drafts"), stored))]
