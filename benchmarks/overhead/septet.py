"""Septet as three contenders: requests without work, the whole path, and cache hits."""

from __future__ import annotations

import json
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import yaml
from septet_cli.embedded import Progress, running
from septet_contracts import topic
from septet_guardrails.domain.policy import Policy
from septet_native.processes import ports
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from benchmarks.overhead.children import children
from benchmarks.overhead.contender import PATH, SAME_WORK, Body, Failed, Load, Place
from benchmarks.overhead.exchange import Exchange, exchanging

# Without retrieval, cache and rails: hops, contracts, tracing, ledger, release, commits, and the call of the stub model.
BUS: Mapping[str, Any] = {"retrieval": {"mode": "off"}, "cache": {"use": "bypass"}, "policy": "bare"}
FULL: Mapping[str, Any] = {"cache": {"use": "bypass"}}
HIT: Mapping[str, Any] = {}
KEPT = 4000


@dataclass(frozen=True)
class Answer:
    """A response; ``sent_at`` is in seconds since the epoch, ``latency_ms`` is the time until the response."""

    body: Mapping[str, Any]
    sent_at: float
    latency_ms: float


@asynccontextmanager
async def stack(progress: Progress) -> AsyncIterator[tuple[Stack, Mapping[str, int]]]:
    """An embedded stack with all services in a temporary directory, and a stub model in its own process.

    Yields the stack and the pid of the stub model by role.
    """
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="septet-bench-")))
        # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
        folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
        port = ports.choose(0, set())
        command = ["-m", "septet_cli", "stub-model", "--port", str(port)]
        model = children({"model": command}, {"PYTHONUNBUFFERED": "1"}, folder)
        pids = await exits.enter_async_context(model)
        any_port = {f: 0 for f in StackSettings.model_fields if f.endswith("_port")}
        url = f"http://127.0.0.1:{port}/v1"
        settings = StackSettings.model_validate(
            {
                "stack": "embedded",
                "data_dir": folder / "data",
                "llm_url": url,
                "llm_model": "stub",
                **any_port,
            }
        )
        env = {"SEPTET_GUARDRAILS_POLICIES_DIR": str(_policies(folder / "policies")), **SAME_WORK}
        yield await exits.enter_async_context(running(settings, SERVICES, progress, env)), pids


def _policies(folder: Path) -> Path:
    """A folder with the policy ``bare``, which disables every rail."""
    folder.mkdir()
    rules = {side: type(getattr(Policy(), side)).model_fields for side in ("input", "output")}
    off = {side: {rail: {"enabled": False} for rail in rails} for side, rails in rules.items()}
    (folder / "bare.yaml").write_text(yaml.safe_dump(off), "utf-8")
    return folder


@dataclass(frozen=True)
class Septet:
    """One kind of request to the services of a running stack.

    Attributes:
        fields: fields of a request beside its id and question.
        known: questions with a cached answer, asked in turn; if empty, those of the load.
    """

    stack: Stack
    name: str
    kind: Literal["bus", "full", "hit"]
    fields: Mapping[str, Any]
    known: tuple[str, ...] = ()
    note: str = ""

    def missing(self) -> str:
        """Needs no further packages."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningSeptet]:
        """Connect a client to the running services."""
        connection = place.addresses.connection()
        ends = topic(PATH[0]).name, topic(PATH[-1]).name
        async with exchanging(connection, *ends) as exchange:
            yield RunningSeptet(self, exchange, place.load)


class RunningSeptet:
    """A connected client; ``answers`` holds the last responses."""

    def __init__(self, contender: Septet, exchange: Exchange, load: Load) -> None:
        self._contender, self._exchange, self._load = contender, exchange, load
        self._run = uuid4().hex[:8]
        self.answers: deque[Answer] = deque(maxlen=KEPT)

    async def send(self, number: int) -> Body:
        """Send a request and check its response for this kind of contender.

        Raises:
            Failed: no response, a failure, an answer without sources on the whole path, or a cache miss for ``hit``.
        """
        contender = self._contender
        known = contender.known
        question = known[number % len(known)] if known else self._load.question(number)
        request_id = f"{contender.kind}-{self._run}-{number}"
        body = json.dumps({"request_id": request_id, "question": question, **contender.fields})
        sent_at, began = time.time(), time.perf_counter()
        raw = await self._exchange.request(f"default:{request_id}".encode(), body.encode())
        latency_ms = (time.perf_counter() - began) * 1000
        answer: dict[str, Any] = json.loads(raw)
        self.answers.append(Answer(answer, sent_at, latency_ms))
        if problem := _problem(answer, contender.kind):
            raise Failed(f"{request_id}: {problem}")
        return answer

    def pids(self) -> Mapping[str, int]:
        """Pids of the six services."""
        states = self._contender.stack.status()
        return {s.name: s.pid for s in states if s.kind == "service" and s.pid is not None}


def _problem(answer: Mapping[str, Any], kind: str) -> str:
    """The problem with a response; empty if there is none."""
    # Few of these questions end in an abstention or a refusal (the result has the share of answers). They cause most of the
    # work of an answer.
    expected = ("answered",) if kind != "full" else ("answered", "abstained", "refused")
    if answer["status"] not in expected:
        return f"{answer['status']}: {answer.get('error')}"
    if kind == "full" and answer["status"] == "answered" and not answer["sources"]:
        return "no sources"
    if kind == "hit" and not from_cache(answer):
        return "not from the cache"
    return ""


def from_cache(answer: Mapping[str, Any]) -> bool:
    """Whether a response came from the cache."""
    return str((answer.get("cache") or {}).get("status", "")).startswith("hit")
