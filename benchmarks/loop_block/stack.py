"""How long a small request takes beside ten bodies of a megabyte from another client, on the embedded stack.

``python -m benchmarks.loop_block.stack [--json FILE]`` starts the stack with a stub model. The small request takes the
whole path; the large ones are legal and too long for the default policy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from septet_cli.client import Client, connect, new_request_id
from septet_cli.embedded import running
from septet_cli.stub.server import StubOptions, serve_stub
from septet_kit.hostile import text
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings

LARGE, ROUNDS, TIMEOUT = 10, 5, 120.0


async def main() -> dict[str, Any]:
    """Measure the small request alone and beside the large ones, in turns."""
    async with AsyncExitStack() as exits:
        stub = await exits.enter_async_context(serve_stub(StubOptions()))
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="septet-loop-block-")))
        # Started by root, PostgreSQL runs as another user, who has to get through to its own directory.
        folder.chmod(0o711)  # noqa: ASYNC240 - before anything else runs
        ports = {f: 0 for f in StackSettings.model_fields if f.endswith("_port")}
        settings = StackSettings.model_validate(
            {"stack": "embedded", "data_dir": folder, "llm_url": stub, "llm_model": "stub", **ports}
        )
        stack = await exits.enter_async_context(running(settings, SERVICES, lambda *_: None))
        assert stack.addresses is not None
        small = await exits.enter_async_context(connect(stack.addresses.connection()))
        other = await exits.enter_async_context(connect(stack.addresses.connection()))
        for _ in range(10):
            await _ask(small)
        alone, beside, large = [], [], []
        for _ in range(ROUNDS):
            alone += [await _ask(small) for _ in range(5)]
            burst = [asyncio.create_task(_ask_large(other)) for _ in range(LARGE)]
            await asyncio.sleep(0.01)
            beside.append(await _ask(small))
            large += await asyncio.gather(*burst)
    return {
        "alone_ms": round(statistics.median(alone), 1),
        "beside_ms": [round(one, 1) for one in beside],
        "ratio_of_medians": round(statistics.median(beside) / statistics.median(alone), 2),
        "large_ms": round(statistics.median(large), 1),
    }


async def _ask(client: Client) -> float:
    request = {
        "request_id": new_request_id(),
        "question": "What is a deque?",
        "cache": {"use": "bypass"},
        "retrieval": {"mode": "off"},
    }
    began = time.monotonic()
    await client.ask(request, TIMEOUT)
    return (time.monotonic() - began) * 1000


async def _ask_large(client: Client) -> float:
    messages = [{"role": "user", "content": text("english", 5_150)}] * 200
    began = time.monotonic()
    response = await client.ask({"request_id": new_request_id(), "messages": messages}, TIMEOUT)
    if response.status != "blocked":
        raise RuntimeError(f"the large request was {response.status}: the comparison needs it to be refused")
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(main())
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
