"""Asks one question and prints its answer with the cited sources."""

from __future__ import annotations

import asyncio
import sys

from septet_client import Septet


async def main(question: str) -> None:
    """Ask, and print."""
    async with Septet() as septet:
        response = await septet.ask(question)
    print(f"{response.status}: {response.answer}")
    for source in response.sources:
        if source.cited:
            print(f"[{source.number}] {source.title or source.document_id}")
    print("scores:", {score.name: score.value for score in response.scores})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "What is a deque?"))
