"""The runner of suites on a log in memory: each draw is published once, also by a run that was killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from septet_cli.errors import Unreachable
from septet_cli.evaluation import run as module
from septet_cli.evaluation.pace import Gate, Pace
from septet_cli.evaluation.run import Runner, draws_of, pending
from septet_client.ports import Position
from septet_contracts import CacheOptions, ErrorInfo, EvaluationSample, Request, encode
from septet_experiments.cases import Case
from septet_experiments.runs import RunFolder, RunInfo, Sample
from septet_experiments.suites import SuiteSettings
from septet_kit.tenants import SHARED_ONLY, Tenants

from tests.support.memory_log import MemoryLog, respond

CASES = [Case(id=f"c{n}", question=f"Question {n}?") for n in range(6)]
FAST = Pace(rate=None, in_flight=4, deadline=30)
SETTINGS = SuiteSettings(name="s", cases=("cases.jsonl",), request={"retrieval": {"k": 3}})


class Killed(Exception):
    """Ends a run in the middle."""


def run_info(**fields: Any) -> RunInfo:
    made: dict[str, Any] = {"id": "s-1", "suite": "s", "suite_digest": "d", "dataset_digest": "d"}
    return RunInfo(started_at=datetime.now(UTC), cases=len(CASES), **(made | fields))


async def run(log: MemoryLog, path: Path, info: RunInfo, pace: Pace = FAST, **more: Any) -> list[Sample]:
    folder = RunFolder(path)
    draws = pending(list(draws_of(info, SETTINGS, CASES)), folder.samples())
    tenants = more.pop("tenants", SHARED_ONLY)
    await Runner(log, folder, info, pace, tenants).run(draws, lambda _: None, **more)
    return folder.samples()


def published(log: MemoryLog) -> list[Request]:
    return [event for _, _, event in log.published]


async def test_each_draw_is_one_request_that_is_marked_as_evaluation(tmp_path: Path) -> None:
    log, info = MemoryLog(), run_info(draws=2, overrides={"model": "next", "retrieval": {"mode": "dense"}})
    samples = await run(log, tmp_path, info)
    assert Counter((s.case_id, s.draw) for s in samples) == Counter((c.id, d) for c in CASES for d in (0, 1))
    assert all(s.error is None and s.response is not None for s in samples)
    requests = published(log)
    assert len({r.request_id for r in requests}) == len(requests) == 12
    asked = next(r for r in requests if r.evaluation == EvaluationSample(run="s-1", case="c0", draw=1))
    assert (asked.question, asked.model, asked.retrieval.k, asked.retrieval.mode) == (
        "Question 0?",
        "next",
        3,
        "dense",
    )
    assert asked.cache == CacheOptions(use="bypass")
    assert asked.deadline is not None
    assert asked.request_id.startswith("eval-")


async def test_a_killed_run_continues_without_a_second_request(tmp_path: Path) -> None:
    log, info = MemoryLog(service=lambda *_: None), run_info()

    def answer_some(memory: MemoryLog, event: Any, *_: Any) -> None:
        if event.evaluation.case in ("c0", "c1"):
            memory.answer(event)

    log.service = answer_some
    folder = RunFolder(tmp_path)

    def kill(sample: Sample) -> None:
        if len(folder.samples()) == 2:
            raise Killed

    runner = Runner(log, folder, info, FAST, SHARED_ONLY)
    with pytest.raises(Killed):
        await runner.run(list(draws_of(info, SETTINGS, CASES)), kill)
    before = len(log.published)
    assert 4 <= before <= 6
    # While no process follows the log, a request in work is answered; another one is answered later.
    waiting = [r for r in published(log) if r.evaluation and r.evaluation.case not in ("c0", "c1")]
    log.answer(waiting[0])
    with (tmp_path / "samples.jsonl").open("ab") as file:
        file.write(b'{"case_id": "c2", "respon')
    log.service = lambda memory, event, *_: memory.answer(event)
    asyncio.get_running_loop().call_later(0.05, log.answer, waiting[1])

    samples = await run(log, tmp_path, info, resumed=True)
    assert sorted(s.case_id for s in samples) == [c.id for c in CASES]
    assert all(s.response is not None for s in samples)
    assert Counter(r.request_id for r in published(log)).most_common(1)[0][1] == 1
    assert len(log.published) == len(CASES)


async def test_a_response_without_an_answer_is_a_counted_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MARGIN_S", 0.05)
    statuses = {"c0": "failed", "c1": "expired", "c2": "something_new", "c3": "abstained", "c4": None}

    def service(memory: MemoryLog, event: Any, value: bytes, position: Position) -> None:
        status = statuses.get(event.evaluation.case, "answered")
        if status is not None:
            error = ErrorInfo(code="x", message="m") if status == "failed" else None
            memory.append("septet.responses.v2", encode(respond(event, status=status, error=error)))

    pace = Pace(rate=None, in_flight=6, deadline=0.05)
    samples = await run(MemoryLog(service=service), tmp_path, run_info(), pace)
    assert {s.case_id: s.error for s in samples} == {
        "c0": "failed",
        "c1": "expired",
        "c2": "something_new",
        "c3": None,
        "c4": "no_response",
        "c5": None,
    }


async def test_a_late_response_replaces_a_missing_one_when_the_run_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MARGIN_S", 0.02)
    log, info, pace = MemoryLog(service=lambda *_: None), run_info(), Pace(None, 6, 0.02)
    assert {s.error for s in await run(log, tmp_path, info, pace)} == {"no_response"}
    for request in published(log):
        log.answer(request)
    samples = await run(log, tmp_path, info, pace, resumed=True)
    assert [s.error for s in samples] == [None] * len(CASES)
    assert len(log.published) == len(CASES)


async def test_a_conflict_is_not_taken_for_the_response(tmp_path: Path) -> None:
    def service(memory: MemoryLog, event: Any, value: bytes, position: Position) -> None:
        error = ErrorInfo(code="conflict", message="m")
        memory.append(
            "septet.responses.v2", encode(respond(event, status="failed", answer=None, error=error))
        )
        memory.answer(event)

    samples = await run(MemoryLog(service=service), tmp_path, run_info())
    assert [s.error for s in samples] == [None] * len(CASES)


async def test_a_log_that_cannot_be_read_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MARGIN_S", 0.02)
    log = MemoryLog(service=lambda *_: None, failure="no broker")
    with pytest.raises(Unreachable, match="no broker"):
        await run(log, tmp_path, run_info(), Pace(None, 6, 0.02))
    assert RunFolder(tmp_path).samples() == []


async def test_a_tenant_with_own_topics_is_asked_there(tmp_path: Path) -> None:
    log = MemoryLog()
    log.service = lambda memory, event, *_: memory.append("septet.responses.v2.acme", encode(respond(event)))  # type: ignore[assignment]
    tenants = Tenants(frozenset({"default", "acme"}), frozenset({"acme"}))
    samples = await run(log, tmp_path, run_info(overrides={"tenant": "acme"}), tenants=tenants)
    assert {topic for topic, _, _ in log.published} == {"septet.requests.v1.acme"}
    assert {r.tenant for r in published(log)} == {"acme"}
    assert len(samples) == len(CASES)


async def test_requests_are_evenly_spaced_and_bounded() -> None:
    gate, times, most, running = Gate(Pace(rate=200, in_flight=2, deadline=1)), [], 0, 0

    async def one() -> None:
        nonlocal most, running
        async with gate.place():
            running += 1
            most = max(most, running)
            await gate.turn()
            times.append(time.monotonic())
            running -= 1

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 2
    assert time.monotonic() - began >= 19 / 200


def test_the_samples_of_a_folder_survive_a_torn_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append(Sample(case_id="한글"))
    with (tmp_path / "samples.jsonl").open("ab") as file:
        file.write(json.dumps({"case_id": "둘"}, ensure_ascii=False).encode()[:-3])
    assert [s.case_id for s in folder.samples()] == ["한글"]
    folder.append(Sample(case_id="c3"))
    folder.append(Sample(case_id="한글", error="failed"))
    assert [(s.case_id, s.error) for s in folder.samples()] == [("한글", "failed"), ("c3", None)]
