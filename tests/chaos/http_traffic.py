"""Clients of the gateway: they know HTTP, and retry with the same idempotency key until they have a response."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from .checker import Sent

# A client that waits longer than this has lost its connection without notice.
_PATIENCE_S = 30.0
# Attempts are apart by random times, up to twice as long each time, as in OpenAI's clients: so repetitions do not arrive
# together, and do not take the time of the gateway and of this process.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 4.0


@dataclass
class HttpTraffic:
    """Asks at a rate, each question under an idempotency key of its own.

    Attributes:
        url: of the gateway's API.
        key: an API key.
        run: prefix of the idempotency keys, which are the request ids.
        rng: of the pauses between two attempts.
        fields: what every request carries beside its question.
        deadline_s: from the first attempt, in seconds. A repetition has the same body.
        received: the event id of each response, by request id.
    """

    url: str
    key: str
    run: str
    rng: random.Random
    fields: Mapping[str, Any] = field(default_factory=dict)
    deadline_s: float = 120.0
    sent: list[Sent] = field(default_factory=list)
    begun: dict[str, float] = field(default_factory=dict)
    received: dict[str, str] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0

    async def until(self, stop: asyncio.Event, rate: float) -> None:
        """Ask ``rate`` times a second, on schedule however slow the gateway is, until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        begin, number = loop.time(), 0
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        headers = {"authorization": f"Bearer {self.key}"}
        client = httpx.AsyncClient(
            base_url=self.url, headers=headers, limits=limits, timeout=_PATIENCE_S, trust_env=False
        )
        async with client, asyncio.TaskGroup() as group:
            while not stop.is_set():
                group.create_task(self._one(client, number))
                number += 1
                await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        request_id = f"{self.run}-{number:06d}"
        deadline = datetime.now(UTC) + timedelta(seconds=self.deadline_s)
        body = {
            "question": f"What is thing number {number}?",
            "deadline": deadline.isoformat(),
            **self.fields,
        }
        self.begun[request_id] = asyncio.get_running_loop().time()
        self.in_flight += 1
        try:
            async with asyncio.timeout(self.deadline_s + _PATIENCE_S):
                response = await self._answer(client, request_id, body)
        except TimeoutError:
            # The request stays without a response, which the row reports.
            return
        finally:
            self.in_flight -= 1
            self.sent.append(Sent(request_id, "default"))
        self.received[request_id] = response["event_id"]

    async def _answer(
        self, client: httpx.AsyncClient, request_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The response, after as many calls as it takes."""
        pause = _FIRST_PAUSE_S
        while True:
            if (response := await self._attempt(client, request_id, body)) is not None:
                return response
            await asyncio.sleep(self.rng.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _attempt(
        self, client: httpx.AsyncClient, request_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The response; ``None`` if the call is worth a repetition."""
        try:
            call = await client.post("/septet/requests", json=body, headers={"idempotency-key": request_id})
        except httpx.TransportError as error:
            self.retries[type(error).__name__] += 1
            return None
        if call.status_code != 200:
            self.retries[str(call.status_code)] += 1
            return None
        found: dict[str, Any] = call.json()
        return found
