"""Times of refused API keys by reason: ``python -m benchmarks.gateway.refusals [--json FILE]``.

One client calls ``GET /v1/models`` of a gateway process on one connection that stays open, one call at a time, with the
reasons in random order. All answers must be equal. Guessed ids are new in each call; the other keys repeat.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from septet_cli.bench.metrics import percentile
from septet_cli.keys import KeyStore
from septet_gateway.domain.keys import id_of, new_key
from septet_kit.messaging.admin import ensure_topics
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from benchmarks.circumstances import circumstances
from benchmarks.gateway.process import gateway

CALLS, WARM = 600, 50
PATH = "/v1/models"
Call = tuple[str, dict[str, str]]
Reasons = dict[str, Callable[[], Call]]


@asynccontextmanager
async def servers() -> AsyncIterator[Stack]:
    """Kafka and PostgreSQL, without models and services."""
    ports = {name: 0 for name in StackSettings.model_fields if name.endswith("_port")}
    with tempfile.TemporaryDirectory(prefix="septet-bench-") as name:
        folder = Path(name)
        # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
        folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
        settings = StackSettings.model_validate(
            {"stack": "embedded", "data_dir": folder / "data", "llm": False, "jaeger": False, **ports}
        )
        async with Stack(settings) as stack:
            addresses = await stack.start()
            await ensure_topics(addresses.connection("admin"))
            yield stack


async def reasons(store: KeyStore) -> Reasons:
    """What makes a call that is refused, by reason."""

    async def created(tenant: str, expires_at: datetime | None = None) -> str:
        return await store.table.create(tenant, "bench", ("ask",), store.secret, expires_at)

    valid, foreign, revoked = await created("default"), await created("other"), await created("default")
    expired = await created("default", datetime.now(UTC) - timedelta(days=1))
    await store.table.revoke(id_of(revoked) or "")
    joined = f"{valid.rpartition('-')[0]}-{foreign.rpartition('-')[2]}"

    def bearer(key: str, query: str = "") -> Call:
        return PATH + query, {"authorization": f"Bearer {key}"}

    return {
        "no key": lambda: (PATH, {}),
        "not a key": lambda: bearer("sk-1234"),
        "guessed id": lambda: bearer(new_key()[1]),
        "guessed secret": lambda: bearer(valid[:-64] + new_key()[1][-64:]),
        "secret of a foreign tenant": lambda: bearer(joined),
        "revoked": lambda: bearer(revoked),
        "expired": lambda: bearer(expired),
        "in the query string": lambda: bearer(valid, f"?api_key={valid}"),
    }


async def measure(calls: int) -> dict[str, Any]:
    """Call ``calls`` times for each reason; returns the result."""
    result = circumstances()
    times: dict[str, list[float]] = {}
    answers = set()
    async with servers() as stack, gateway(stack) as store:
        assert stack.addresses is not None
        made = await reasons(store)
        base = stack.addresses.gateway_url.removesuffix("/v1")
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(base, connector=connector) as session:
            plan = [name for name in made for _ in range(calls)]
            random.Random(1).shuffle(plan)
            for number, name in enumerate([*plan[:WARM], *plan]):
                path, headers = made[name]()
                began = time.perf_counter()
                async with session.get(path, headers=headers) as response:
                    body = await response.read()
                took = time.perf_counter() - began
                shown = sorted((k, v) for k, v in response.headers.items() if k.lower() != "date")
                answers.add((response.status, body, tuple(shown)))
                if number >= WARM:
                    times.setdefault(name, []).append(took * 1000)
    if len(answers) != 1:
        raise RuntimeError(f"the refusals differ: {answers}")
    return result | summary(times)


def summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """The distribution of each reason's times in ms, and the ratio of its median to that of all calls."""
    overall = statistics.median([ms for found in times.values() for ms in found])
    by_reason = {
        name: {
            "calls": len(found),
            **{f"p{p}_ms": round(percentile(found, p), 3) for p in (10, 50, 90, 99)},
            "median_ratio": round(statistics.median(found) / overall, 3),
        }
        for name, found in times.items()
    }
    medians = [statistics.median(found) for found in times.values()]
    return {
        "reasons": dict(sorted(by_reason.items())),
        "highest_to_lowest_median": round(max(medians) / min(medians), 3),
    }


def main() -> None:
    """Measure and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="for each reason")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    text = json.dumps(uvloop.run(measure(options.calls)), indent=1)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
