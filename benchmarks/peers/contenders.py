"""The peers of the overhead benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.overhead.contender import Contender
from benchmarks.peers.faststream_chain import FastStreamChain
from benchmarks.peers.http_peer import HttpPeer

WORKERS = 2
"""Processes of each HTTP peer: one per core of the machine of the committed result."""

_PROMISES = "one process does all the work and stores nothing, so a kill loses its requests."


def contenders(workers: int = WORKERS) -> Sequence[Contender]:
    """Haystack, LlamaIndex and FastStream; the first two run *workers* processes each."""
    served = f"Behind HTTP, with {workers} uvicorn processes in turns;"
    return (
        HttpPeer("haystack", "haystack", workers, f"{served} {_PROMISES}"),
        HttpPeer("llamaindex", "llamaindex", workers, f"{served} {_PROMISES}"),
        FastStreamChain(),
    )
