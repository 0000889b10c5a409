"""Prints each checked and scored response. Run it with ``python examples/faststream/app.py``."""

from __future__ import annotations

import asyncio

from faststream import FastStream
from septet_client import Response
from septet_client.faststream import SeptetRouter, broker

septet = SeptetRouter(group="example")
app = FastStream(broker(None, septet))


@septet.on_response
async def show(response: Response) -> None:
    """Print one response."""
    scores = {score.name: score.value for score in response.scores}
    print(response.request_id, response.status, response.answer, scores, flush=True)


if __name__ == "__main__":
    asyncio.run(app.run())
