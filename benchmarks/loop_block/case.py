"""A record at its size limit, handled as in a service: decode, handle, encode the events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from septet_contracts import ContractError, Passage, decode, encode, topic
from septet_kit import Context, Emit, SeptetError
from septet_kit.hostile import text
from septet_kit.testing import context

Handler = Callable[[Any, Context], Awaitable[Sequence[Emit]]]

MIB = 1024 * 1024
QUESTION = 32_768


@dataclass(frozen=True)
class Case:
    """One record for one handler."""

    name: str
    topic: str
    value: bytes
    handler: Handler | None

    async def run(self) -> bool:
        """Handle the record as the runtime does; false if it is rejected, which is also a valid result."""
        try:
            event = decode(topic(self.topic), self.value)
            emits = await self.handler(event, context(self.topic, value=self.value)) if self.handler else ()
        except (ContractError, SeptetError):
            return False
        return all(emit.value for emit in emits)


def of(name: str, topic_name: str, event: BaseModel, handler: Handler) -> Case:
    return Case(name, topic_name, encode(event), handler)


def passages(unit: str, count: int = 50, size: int = 1_200) -> tuple[Passage, ...]:
    """The most passages that a question can get."""
    return tuple(
        Passage(
            passage_id=f"d.{number}",
            document_id="d",
            content_hash="h",
            title="A title",
            location="Guide › Use",
            text=f"{number} {text(unit, size)}",
            start=0,
            end=size,
            score=0.5,
            similarity=0.5,
        )
        for number in range(count)
    )


def conversations(unit: str, messages: int, size: int) -> Iterator[dict[str, str]]:
    for number in range(messages):
        yield {
            "role": "user" if number % 2 == 0 else "assistant",
            "content": f"{number} {text(unit, size - 5)}",
        }
