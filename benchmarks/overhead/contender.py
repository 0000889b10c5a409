"""What takes part in the benchmark of overhead, and the load that all of them get.

A contender is started once against a running stack, in processes of its own, and then measured in turns with the
others: the client calls ``send`` on an open or closed loop and takes the time around it. Peers live in
``benchmarks/peers``; ``contenders`` there lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from septet_native.stack.addresses import Addresses

# The topics that a request without retrieval, cache and rails passes, in the order of its way: six hops between them.
PATH = ("requests", "screened", "missed", "grounded", "drafts", "outcomes", "responses")
HOPS = len(PATH) - 1
# Under load eval would give up answers' embeddings after 150 ms, more of them where the embeddings server is the one that
# is short of cores: whoever does the whole path has time for all of the work.
SAME_WORK = {"SEPTET_EVAL_SCORING_BUDGET": "PT5S"}
NUMBER_BYTES = 12


Body = Mapping[str, Any]
"""What a client reads: ``status``, ``answer``, ``sources``, ``verdicts``, ``scores``."""


class Failed(Exception):
    """No response, or one that is not an answer."""


@dataclass(frozen=True)
class Load:
    """What is asked.

    Attributes:
        questions: distinct questions about the corpus of the demo.
        record_bytes: mean size of Septet's records (key, value, headers) on each topic of :data:`PATH`, in bytes.
        partitions: of each topic of a chain, as many as Septet's have.
    """

    questions: Sequence[str]
    record_bytes: Sequence[int]
    partitions: int

    def question(self, number: int) -> str:
        """The question of a number.

        A contender meets a question again only after thousands of others: Septet's services, and the peers, remember
        the embeddings of the 4096 texts that they asked for last.
        """
        return self.questions[number % len(self.questions)]


@dataclass(frozen=True)
class Place:
    """Where contenders run.

    Attributes:
        addresses: of the running stack. Its corpus is searchable before a contender is started: passages and vectors
            are in the schema ``retrieval`` of its PostgreSQL, the lexical index below its data directory. The model
            at ``llm_url`` is a stub without latency.
        load: what will be asked.
        logs: a directory for what processes print.
    """

    addresses: Addresses
    load: Load
    logs: Path


class Running(Protocol):
    """A started contender."""

    async def send(self, number: int) -> Body | None:
        """Send request *number* and return its response when it has come, None on a chain; calls overlap.

        A contender of kind ``full`` asks ``load.question(number)``; one of kind ``bus`` sends a record of
        ``load.record_bytes[0]`` bytes down a chain of ``HOPS`` hops. Numbers are never used twice.

        Raises:
            Failed: an error, a lost message (after 30 s), an empty answer, or an answer without sources.
        """
        ...

    def pids(self) -> Mapping[str, int]:
        """Its own processes by role, without the servers of the stack; children are counted by the meter."""
        ...


class Contender(Protocol):
    """One way to do the work.

    Attributes:
        name: as the tables show it.
        kind: ``bus`` for a chain without work, ``full`` for the whole path, ``hit`` for answers from a cache.
        note: one sentence on what it does not promise or does differently; shown below the tables.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Literal["bus", "full", "hit"]: ...

    @property
    def note(self) -> str: ...

    def missing(self) -> str:
        """What has to be installed for it to run, with the command; empty when it can run."""
        ...

    def running(self, place: Place) -> AbstractAsyncContextManager[Running]:
        """Start it, ready to be sent requests; everything of it is stopped on the way out."""
        ...


def relayed(value: bytes, size: int) -> bytes:
    """What a hop of a chain without work sends on: the same number at the front, as long as Septet's next record."""
    return value[:NUMBER_BYTES].ljust(size, b"x")
