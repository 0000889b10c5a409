"""Generation: the prompt of a draft and its answer, with a model without latency."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from typing import Any

from septet_contracts import Ask, Grounded, Message
from septet_generation.adapters.templates import Templates
from septet_generation.application.cancellations import Cancellations
from septet_generation.application.drafting import Drafter
from septet_generation.domain.catalogue import Catalogue, Model
from septet_generation.domain.chat import ChatRequest, Delta
from septet_generation.handlers import DraftOnce, GroundedHandler
from septet_kit.hostile import UNITS, text
from septet_kit.testing import flow

from benchmarks.loop_block.case import QUESTION, Case, of, passages


class Chat:
    """A model that streams its longest answer as one delta."""

    answer = ""

    async def stream(self, _: ChatRequest) -> AsyncGenerator[Delta, None]:
        yield Delta(self.answer)
        yield Delta(finish_reason="length", prompt_tokens=1, completion_tokens=1)


class Ledger:
    """Runs the work without storing its result."""

    async def run(self, _key: str, work: Any, _lease: timedelta, *, tenant: str) -> tuple[bytes, bool]:
        return await work(), False


def cases() -> Iterator[Case]:
    chat, ledger, epochs = Chat(), Ledger(), None
    anything: Any = epochs
    for budget in (2_000, 100_000):
        model = Model(model="m", url="http://localhost/v1", prompt_tokens=budget, passages=50)
        drafter = Drafter(Catalogue({"default": model}), chat, Templates.load().render, anything, anything)
        handler = GroundedHandler(DraftOnce(drafter, ledger, Cancellations()))
        for unit in UNITS:
            chat.answer = text(unit, 64_000)
            for size in (1_200, 20_000):
                yield of(
                    f"50 passages of {size} into {budget} tokens, {unit}",
                    "grounded",
                    _grounded(unit, size),
                    handler,
                )


def _grounded(unit: str, size: int) -> Grounded:
    messages = tuple(Message(role="user", content=text(unit, 1_000)) for _ in range(60))
    return flow(
        Grounded,
        ask=Ask(question=text(unit, QUESTION), messages=messages),
        passages=passages(unit, size=size),
    )
