"""Septet as contenders: requests without work for its services, the whole path, and hits of its cache."""

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

# No retrieval, no cache and no rail: hops, contracts, tracing, ledger, release and commits, and the call of the stub.
BUS: Mapping[str, Any] = {"retrieval": {"mode": "off"}, "cache": {"use": "bypass"}, "policy": "bare"}
FULL: Mapping[str, Any] = {"cache": {"use": "bypass"}}
HIT: Mapping[str, Any] = {}
KEPT = 4000


@dataclass(frozen=True)
class Answer:
    """A response as it came; ``sent_at`` in seconds since the epoch, ``latency_ms`` from there to the response."""

    body: Mapping[str, Any]
    sent_at: float
    latency_ms: float


@asynccontextmanager
async def stack(progress: Progress) -> AsyncIterator[tuple[Stack, Mapping[str, int]]]:
    """An embedded stack in a directory of its own with all services, and a stub model in a process of its own.

    Yields the stack and the pids of the processes beside it.
    """
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="septet-bench-")))
        # Started by root, PostgreSQL runs as another user, who has to get through to its own directory.
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
    """A folder with the policy ``bare``: every rail there is, switched off."""
    folder.mkdir()
    rules = {side: type(getattr(Policy(), side)).model_fields for side in ("input", "output")}
    off = {side: {rail: {"enabled": False} for rail in rails} for side, rails in rules.items()}
    (folder / "bare.yaml").write_text(yaml.safe_dump(off), "utf-8")
    return folder


@dataclass(frozen=True)
class Septet:
    """One kind of request to the services of a running stack.

    Attributes:
        wish: what a request carries beside its id and question.
        known: questions that the cache holds, asked in turn; the load's own where it is empty.
    """

    stack: Stack
    name: str
    kind: Literal["bus", "full", "hit"]
    wish: Mapping[str, Any]
    known: tuple[str, ...] = ()
    note: str = ""

    def missing(self) -> str:
        """Nothing."""
        return ""

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[RunningSeptet]:
        """A client; the services run already."""
        connection = place.addresses.connection()
        ends = topic(PATH[0]).name, topic(PATH[-1]).name
        async with exchanging(connection, *ends) as exchange:
            yield RunningSeptet(self, exchange, place.load)


class RunningSeptet:
    """A connected client. ``answers`` holds the last responses, for what they say about themselves."""

    def __init__(self, contender: Septet, exchange: Exchange, load: Load) -> None:
        self._contender, self._exchange, self._load = contender, exchange, load
        self._run = uuid4().hex[:8]
        self.answers: deque[Answer] = deque(maxlen=KEPT)

    async def send(self, number: int) -> Body:
        """Ask, and check that the response is what this kind of request has to give.

        Raises:
            Failed: lost, failed, an answer without sources on the whole path, or not from the cache for a hit.
        """
        contender = self._contender
        known = contender.known
        question = known[number % len(known)] if known else self._load.question(number)
        request_id = f"{contender.kind}-{self._run}-{number}"
        body = json.dumps({"request_id": request_id, "question": question, **contender.wish})
        sent_at, began = time.time(), time.perf_counter()
        raw = await self._exchange.request(f"default:{request_id}".encode(), body.encode())
        latency_ms = (time.perf_counter() - began) * 1000
        answer: dict[str, Any] = json.loads(raw)
        self.answers.append(Answer(answer, sent_at, latency_ms))
        if problem := _problem(answer, contender.kind):
            raise Failed(f"{request_id}: {problem}")
        return answer

    def pids(self) -> Mapping[str, int]:
        """The six services."""
        states = self._contender.stack.status()
        return {s.name: s.pid for s in states if s.kind == "service" and s.pid is not None}


def _problem(answer: Mapping[str, Any], kind: str) -> str:
    """What is wrong with a response; empty when nothing is."""
    # What the corpus cannot answer is abstained from, what the rails cannot mend is refused: few of these questions (the
    # share of answers is in the result), and most of the work.
    wanted = ("answered",) if kind != "full" else ("answered", "abstained", "refused")
    if answer["status"] not in wanted:
        return f"{answer['status']}: {answer.get('error')}"
    if kind == "full" and answer["status"] == "answered" and not answer["sources"]:
        return "no sources"
    if kind == "hit" and not from_cache(answer):
        return "not from the cache"
    return ""


def from_cache(answer: Mapping[str, Any]) -> bool:
    """Whether a response says that the cache gave it."""
    return str((answer.get("cache") or {}).get("status", "")).startswith("hit")
