"""State and helpers of the scenes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text
from septet_contracts import Release, Response, topic
from septet_kit.messaging.connection import Kafka

from septet_cli.client import REQUESTS, Client
from septet_cli.console import err
from septet_cli.demo.checks import Checks
from septet_cli.demo.corpus import Fact
from septet_cli.history import find_responses
from septet_cli.render import response_panel, trace_page

ANSWER_TIMEOUT_S = 65.0
RELEASE_TRIES, RELEASE_PAUSE_S = 5, 0.5


@dataclass
class Session:
    """One run of the demo: its client, console, checks, answers, a key of the HTTP API, and the stack's data directory."""

    kafka: Kafka
    traces_url: str
    client: Client
    console: Console
    checks: Checks
    run: str
    facts: Sequence[Fact]
    unanswerable: str
    api_url: str
    api_key: str
    data_dir: Path
    began: float = field(default_factory=time.monotonic)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Response] = field(default_factory=dict)

    def scene(self, title: str) -> None:
        """Print the title of a scene."""
        self.console.print()
        self.console.print(Rule(title, align="left", style="bold"))

    def note(self, text: str) -> None:
        """Print an indented note."""
        self.console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))

    async def ask(
        self, question: str, *, show: bool = True, cache: str | None = None, **fields: Any
    ) -> Response:
        """Publish a question, wait for its response and show it.

        Raises:
            NoResponse: no response arrived in time.
        """
        request = {"request_id": f"demo-{self.run}-{len(self.asked) + 1}", "question": question, **fields}
        if cache:
            request["cache"] = {"use": cache}
        self.asked.append(request["request_id"])
        began = time.monotonic()
        with err.status(f"[dim]{REQUESTS} ← {question}[/]"):
            response = await self.client.ask(request, ANSWER_TIMEOUT_S)
        if show:
            page = trace_page(self.traces_url, response.trace_id)
            self.console.print(response_panel(response, page=page, question=question))
        else:
            hit = response.cache.status if response.cache else "-"
            seconds = time.monotonic() - began
            self.note(f"{question} → {response.status}, cache {hit}, {seconds:.1f} s")
        self.answers[question] = response
        return response


async def release_of(s: Session, response: Response) -> Release | None:
    """The release event of a response; it may arrive shortly after the response."""
    name = topic("releases").name
    for _ in range(RELEASE_TRIES):
        if found := await find_responses(s.kafka, response.request_id, topic=name):
            return Release.model_validate(found[0])
        await asyncio.sleep(RELEASE_PAUSE_S)
    return None


def cache_status(response: Response) -> str:
    """Cache status of a response, or ``none``."""
    return response.cache.status if response.cache else "none"


def is_hit(response: Response) -> bool:
    """Whether the answer came from the cache."""
    return cache_status(response).startswith("hit")


def documents_of(response: Response) -> set[str]:
    """Ids of the documents among the sources."""
    return {source.document_id for source in response.sources}


def cited_documents(response: Response) -> set[str]:
    """Ids of the documents that the answer cites."""
    return {source.document_id for source in response.sources if source.cited}
