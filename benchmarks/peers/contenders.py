"""The peers that take part in the benchmark of overhead."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.overhead.contender import Contender
from benchmarks.peers.faststream_chain import FastStreamChain
from benchmarks.peers.http_peer import HttpPeer

WORKERS = 2
"""Processes of each HTTP peer: as many as the machine of the committed result has cores."""

_PROMISES = (
    "one process does it all, nothing is stored on the way: a request in work is lost when it is killed."
)


def contenders(workers: int = WORKERS) -> Sequence[Contender]:
    """Haystack, LlamaIndex and FastStream; *workers* is the number of processes of the first two."""
    served = f"Behind HTTP, {workers} uvicorn processes asked in turns;"
    return (
        HttpPeer("haystack", "haystack", workers, f"{served} {_PROMISES}"),
        HttpPeer("llamaindex", "llamaindex", workers, f"{served} {_PROMISES}"),
        FastStreamChain(),
    )
