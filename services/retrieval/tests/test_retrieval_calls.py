"""Retries, circuit breaker and bulk items, with a scripted client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from opensearchpy.exceptions import ConnectionError as OpenSearchConnectionError
from opensearchpy.exceptions import ConnectionTimeout, TransportError
from septet_kit import Permanent, Transient
from septet_retrieval.adapters.opensearch.breaker import Breaker
from septet_retrieval.adapters.opensearch.bulk import Operation, write
from septet_retrieval.adapters.opensearch.calls import Calls

DOWN = OpenSearchConnectionError("N/A", "refused", Exception())
SLOW = ConnectionTimeout("TIMEOUT", "slow", Exception())
BUSY = TransportError(429, "too_many_requests", {})
BROKEN = TransportError(503, "unavailable", {})
REFUSED = TransportError(400, "bad", {})


class Script:
    """A client whose calls return these results in order; the last one repeats."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.calls = 0
        self.bodies: list[Any] = []

    async def answer(self, *_: Any, **given: Any) -> Any:
        self.calls += 1
        self.bodies.append(given.get("body"))
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, BaseException):
            raise result
        return result

    bulk = answer


def calls(script: Script, failures: int = 100, pause: timedelta = timedelta(hours=1)) -> Calls:
    return Calls(script, Breaker("test", failures, pause))


async def ask(using: Calls, attempts: int = 1) -> Any:
    return await using("search", "passages", lambda client: client.answer(), attempts)


@pytest.mark.parametrize("error", [DOWN, BUSY, BROKEN])
async def test_a_search_survives_two_failures(error: Exception) -> None:
    script = Script(error, error, "found")
    assert await ask(calls(script), attempts=3) == "found"


@pytest.mark.parametrize(
    ("error", "kind", "code", "tries"),
    [
        (DOWN, Transient, "lexical_unavailable", 3),
        (BUSY, Transient, "lexical_unavailable", 3),
        (SLOW, Transient, "lexical_timeout", 1),
        (TransportError(404, "index_not_found_exception", {}), Transient, "lexical_missing", 1),
        (REFUSED, Permanent, "lexical_rejected", 1),
        (TransportError(401, "who", {}), Permanent, "lexical_rejected", 1),
    ],
)
async def test_errors_are_typed_and_only_outages_are_retried(
    error: Exception, kind: type[Exception], code: str, tries: int
) -> None:
    script = Script(error)
    with pytest.raises(kind) as caught:
        await ask(calls(script), attempts=3)
    assert (caught.value.code, script.calls) == (code, tries)  # type: ignore[attr-defined]


async def test_repeated_failures_open_the_circuit() -> None:
    script = Script(DOWN)
    using = calls(script, failures=3)
    for _ in range(3):
        with pytest.raises(Transient, match="refused"):
            await ask(using)
    with pytest.raises(Transient) as caught:
        await ask(using)
    assert (caught.value.code, script.calls) == ("lexical_circuit_open", 3)


async def test_rejected_requests_do_not_open_the_circuit() -> None:
    script = Script(REFUSED)
    using = calls(script, failures=2)
    for _ in range(5):
        with pytest.raises(Permanent):
            await ask(using)
    assert script.calls == 5


async def test_after_the_pause_one_probe_closes_the_circuit() -> None:
    script = Script(DOWN, "found")
    using = calls(script, failures=1, pause=timedelta(0))
    with pytest.raises(Transient):
        await ask(using)
    assert await ask(using) == "found"
    assert await ask(using) == "found"


async def test_other_calls_are_rejected_during_a_probe_whose_failure_reopens_the_circuit() -> None:
    breaker = Breaker("test", 1, timedelta(0))
    gate = asyncio.Event()

    async def once(work: Callable[[], Any]) -> None:
        async with breaker:
            await work()

    async def fail() -> None:
        raise Transient("down", "down")

    async def hang() -> None:
        await gate.wait()
        raise Transient("down", "still down")

    with pytest.raises(Transient):
        await once(fail)
    probe = asyncio.create_task(once(hang))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(Transient, match="circuit is open"):
        await once(fail)
    gate.set()
    with pytest.raises(Transient, match="still down"):
        await probe
    assert await breaker.state() == "opened"


async def test_a_cancelled_call_counts_as_failed() -> None:
    using = calls(Script("never"), failures=1)

    async def hang(_: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await using("search", "passages", hang)
    with pytest.raises(Transient, match="circuit is open"):
        await ask(using)


def operations(*names: str) -> list[Operation]:
    return [Operation(name, "acme", 1, {"text": name}, f"document of {name}") for name in names]


def answer(*statuses: int) -> dict[str, Any]:
    def item(status: int) -> dict[str, Any]:
        failed = {"error": {"type": "some_exception", "reason": f"reason {status}"}} if status >= 300 else {}
        return {"index": {"status": status, **failed}}

    return {"items": [item(status) for status in statuses]}


def sent(body: Sequence[Any]) -> list[str]:
    return [line["index"]["_id"] for line in body[::2]]


async def test_only_busy_items_are_retried() -> None:
    script = Script(answer(201, 429, 409, 503), answer(201, 429), answer(200))
    assert await write(calls(script), "passages", operations("a", "b", "c", "d"), alias=True) == {}
    assert [sent(body) for body in script.bodies] == [["a", "b", "c", "d"], ["b", "d"], ["d"]]


async def test_a_rejected_item_names_its_document_and_does_not_affect_others() -> None:
    script = Script(answer(201, 400, 201))
    rejected = await write(calls(script), "passages", operations("a", "b", "c"), alias=True)
    assert list(rejected) == ["document of b"]
    assert "reason 400" in rejected["document of b"].message
    assert script.calls == 1


async def test_items_that_stay_busy_are_transient() -> None:
    script = Script(answer(201, 429), answer(429))
    with pytest.raises(Transient, match="1 items: reason 429"):
        await write(calls(script), "passages", operations("a", "b"), alias=True)


async def test_large_writes_are_sent_in_parts_and_refresh_with_the_last() -> None:
    many = operations(*map(str, range(1200)))
    script = Script(answer(*[201] * 500), answer(*[201] * 500), answer(*[201] * 200))
    assert await write(calls(script), "passages", many, alias=False, refresh="true") == {}
    assert [len(sent(body)) for body in script.bodies] == [500, 500, 200]
