"""The judge beside the path of requests: one evaluation per response, through `kill -9` and an outage of its model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest
from aiokafka.structs import ConsumerRecord
from prometheus_client.parser import text_string_to_metric_families
from septet_cli.stub.server import Stub, StubOptions, serve_stub
from septet_contracts import Evaluation, Response, dead_letter_topic
from septet_native.processes.process_state import ProcessState
from septet_native.services import SERVICES

from ..conftest import Backend, stack_settings, started
from ..support.tail import Tail, tail

QUESTION = "What does the queues module keep in order?"
LATENCY_MS = 100.0


@dataclass
class JudgeModel:
    """The judge's endpoint, which can be stopped and started again on its port."""

    stub: Stub = field(default_factory=lambda: Stub(StubOptions(latency_ms=LATENCY_MS)))
    port: int = 0
    url: str = ""
    _exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        self.url = await self._exits.enter_async_context(serve_stub(StubOptions(port=self.port), self.stub))
        self.port = urlsplit(self.url).port or 0

    async def stop(self) -> None:
        await self._exits.aclose()


@dataclass(frozen=True)
class Judged:
    """A whole Septet with a judge that judges every response."""

    backend: Backend
    model: JudgeModel

    async def ask(self) -> Response:
        response = await self.backend.ask(QUESTION, cache={"use": "bypass"})
        assert response.status == "answered"
        return response

    async def process(self) -> ProcessState:
        """The judge's process, once it is ready."""
        assert self.backend.stack is not None
        async with asyncio.timeout(60):
            while True:
                (found,) = [p for p in self.backend.stack.status() if p.name == "judge"]
                if found.state == "ready":
                    return found
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """Send SIGKILL to the judge; the stack starts it again."""
        pid = (await self.process()).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    async def skipped(self) -> Counter[str]:
        """Responses that the judge's process skipped, by reason."""
        process = await self.process()
        async with httpx.AsyncClient() as http:
            text = (await http.get(f"http://127.0.0.1:{process.port}/metrics")).text
        return Counter(
            {
                sample.labels["reason"]: int(sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == "septet_judge_skipped_total"
            }
        )


@pytest.fixture(scope="module")
async def judged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Judged]:
    model = JudgeModel()
    await model.start()
    env = {
        "SEPTET_JUDGE_URL": model.url,
        "SEPTET_JUDGE_MODEL": "stub-judge",
        "SEPTET_JUDGE_SHARE": "1",
        "SEPTET_JUDGE_ATTEMPTS": "1",
        "SEPTET_JUDGE_BREAKER_FAILURES": "2",
        "SEPTET_JUDGE_BREAKER_PAUSE": "PT1S",
        "SEPTET_JUDGE_BREAKER_LONGEST": "PT2S",
    }
    async with serve_stub(StubOptions()) as url:
        settings = stack_settings(tmp_path_factory.mktemp("judged"), llm_url=url, llm_model="stub")
        async with started(settings, env, (*SERVICES, "judge")) as backend:
            document = {
                "action": "upsert",
                "document_id": "queues",
                "title": "queues",
                "text": "The queues module keeps items in order. Its queues were added in version 3.6.",
            }
            await backend.client.publish("septet.documents.v1", "default:queues", document)
            for _ in range(60):
                if (await backend.ask(QUESTION, generate=False, cache={"use": "bypass"})).sources:
                    break
                await asyncio.sleep(0.25)
            yield Judged(backend, model)
    await model.stop()


def of(request_id: str, followed: Tail) -> list[ConsumerRecord]:
    """The evaluations of a request."""
    return followed.found("evaluations", lambda r: json.loads(r.value)["request_id"] == request_id)


async def until(holds: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(within_s):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.1)


async def all_judged(ids: list[str], followed: Tail, within_s: float = 60) -> None:
    async def arrived() -> bool:
        return all(of(i, followed) for i in ids)

    await until(arrived, within_s)


async def test_a_response_is_judged_in_its_own_trace(judged: Judged) -> None:
    async with tail(judged.backend.addresses.connection(), "evaluations", "responses") as followed:
        response = await judged.ask()
        await all_judged([response.request_id], followed)
        (record,) = of(response.request_id, followed)
        (sent,) = followed.found(
            "responses", lambda r: json.loads(r.value)["request_id"] == response.request_id
        )
    evaluation = Evaluation.model_validate_json(record.value)
    assert {s.name: s.value for s in evaluation.scores} == {"judge_groundedness": 1.0, "judge_rubric": 0.75}
    assert all("model=stub-judge" in s.scorer and "calibration=none" in s.scorer for s in evaluation.scores)
    assert (evaluation.event_id.version, evaluation.causation_id) == (5, response.event_id)
    assert record.key == sent.key
    traces = [dict(r.headers)["traceparent"].decode().split("-")[1] for r in (record, sent)]
    assert traces == [response.trace_id] * 2


@pytest.mark.timeout(300)
async def test_kill_9_of_the_judge_loses_and_doubles_nothing(judged: Judged) -> None:
    before = judged.model.stub.calls
    kills, ids = 3, list[str]()
    async with tail(judged.backend.addresses.connection(), "evaluations") as followed:
        for _ in range(kills):
            ids += [r.request_id for r in await asyncio.gather(*(judged.ask() for _ in range(8)))]
            await asyncio.sleep(0.3)
            await judged.kill()
            ids += [r.request_id for r in await asyncio.gather(*(judged.ask() for _ in range(2)))]
        await all_judged(ids, followed, 120)
        await asyncio.sleep(3)
        counts = {i: len(of(i, followed)) for i in ids}
    assert {i: n for i, n in counts.items() if n != 1} == {}
    # A kill may cost the calls that were in flight: those of four responses at a time, two each.
    assert judged.model.stub.calls - before <= 2 * len(ids) + kills * 8


@pytest.mark.timeout(300)
async def test_an_outage_of_the_judge_affects_no_response_and_ends(judged: Judged) -> None:
    dead = dead_letter_topic("judge")
    async with tail(judged.backend.addresses.connection(), "evaluations", dead) as followed:
        before = await judged.skipped()
        await judged.model.stop()
        responses = [await judged.ask() for _ in range(8)]

        async def skipped() -> bool:
            return (await judged.skipped())["outage"] - before["outage"] >= len(responses)

        await until(skipped, 30)
        assert [r for i in responses for r in of(i.request_id, followed)] == []
        await judged.model.start()

        async def judges_again() -> bool:
            after = await judged.ask()
            await asyncio.sleep(0.5)
            return bool(of(after.request_id, followed))

        await until(judges_again, 30)
        assert followed.found(dead, lambda _: True) == []


@pytest.mark.timeout(120)
async def test_a_hanging_judge_delays_no_response(judged: Judged) -> None:
    judged.model.stub.options = StubOptions(hang=True)
    try:
        responses = await asyncio.gather(*(judged.ask() for _ in range(6)))
        assert {r.status for r in responses} == {"answered"}
    finally:
        judged.model.stub.options = StubOptions(latency_ms=LATENCY_MS)
