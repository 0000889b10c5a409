"""Interface of the contenders of the overhead benchmark, and their load.

A contender starts once against a running stack, in its own processes, and is then measured in turns with the others: the
client calls ``send`` in an open or closed loop and measures its duration. ``benchmarks.peers.contenders`` lists the
peers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from septet_native.stack.addresses import Addresses

# Topics of a request without retrieval, cache and rails, in order, with six hops between them.
PATH = ("requests", "screened", "missed", "grounded", "drafts", "outcomes", "responses")
HOPS = len(PATH) - 1
# By default eval skips the embedding of an answer after 150 ms, which under load would give contenders different work. With
# this budget, every contender on the whole path does all of it.
SAME_WORK = {"SEPTET_EVAL_SCORING_BUDGET": "PT5S"}
NUMBER_BYTES = 12


Body = Mapping[str, Any]
"""Response for the client: ``status``, ``answer``, ``sources``, ``verdicts``, ``scores``."""


class Failed(Exception):
    """No response, or a response without an answer."""


@dataclass(frozen=True)
class Load:
    """The load.

    Attributes:
        questions: distinct questions about the corpus of the demo.
        record_bytes: mean size of Septet's records (key, value, headers) on each topic of :data:`PATH`, in bytes.
        partitions: partitions of each topic of a chain, equal to those of Septet's topics.
    """

    questions: Sequence[str]
    record_bytes: Sequence[int]
    partitions: int

    def question(self, number: int) -> str:
        """The question for a request number.

        A question repeats only after thousands of others, because Septet's services and the peers cache the last 4096
        embeddings.
        """
        return self.questions[number % len(self.questions)]


@dataclass(frozen=True)
class Place:
    """The environment of the contenders.

    Attributes:
        addresses: addresses of the running stack. Its corpus is indexed before a contender starts: passages and vectors
            are in the schema ``retrieval`` of PostgreSQL, the lexical index is in the data directory. The model at
            ``llm_url`` is a stub without latency.
        load: the load.
        logs: directory for the output of processes.
    """

    addresses: Addresses
    load: Load
    logs: Path


class Running(Protocol):
    """A running contender."""

    async def send(self, number: int) -> Body | None:
        """Send request *number* and return its response (None on a chain). Calls overlap.

        A contender of kind ``full`` asks ``load.question(number)``; one of kind ``bus`` sends a record of
        ``load.record_bytes[0]`` bytes through a chain of ``HOPS`` hops. Each number is used once.

        Raises:
            Failed: an error, a lost message (after 30 s), an empty answer, or an answer without sources.
        """
        ...

    def pids(self) -> Mapping[str, int]:
        """Pids of its own processes by role, without the servers of the stack; the meter adds their children."""
        ...


class Contender(Protocol):
    """One implementation of the work.

    Attributes:
        name: name in the tables.
        kind: ``bus`` for a chain without work, ``full`` for the whole path, ``hit`` for answers from the cache.
        note: one sentence on differences and missing guarantees; shown below the tables.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Literal["bus", "full", "hit"]: ...

    @property
    def note(self) -> str: ...

    def missing(self) -> str:
        """The command that installs its missing packages; empty if it can run."""
        ...

    def running(self, place: Place) -> AbstractAsyncContextManager[Running]:
        """Start the contender, ready for requests; stop it on exit."""
        ...


def relayed(value: bytes, size: int) -> bytes:
    """The next record of a chain without work: the same number, padded to the size of Septet's next record."""
    return value[:NUMBER_BYTES].ljust(size, b"x")
