"""How long a run takes and what it holds."""

from __future__ import annotations

from dataclasses import dataclass

RATES = (1, 10, 50, 100)


@dataclass(frozen=True)
class Plan:
    """Durations in seconds.

    Attributes:
        rounds: alternations; every contender is measured once in each.
        seconds: how long each of :data:`RATES` is kept up, for chains without work.
        full_rates: rates at which the whole path is measured.
        full_seconds: how long each of those is kept up.
        step: of the search for the highest rate.
        first_steps: steps of that search in the first round, which starts from a guess.
        steps: in the later ones, which start from the result before.
        in_flight: concurrent requests of the closed loop.
        closed: how long the closed loop runs.
        documents: how many of the demo's are ingested.
        warm_up: requests to Septet before its records are weighed.
        warm_path: requests of the whole path to each process that answers them, before the first round: each remembers
            the embeddings of 4096 texts, and as long as that memory fills, requests cost up to twice what later ones do.
        traced: requests of a round whose traces are read.
        pause: between two phases: spans are exported and followers catch up.
    """

    rounds: int
    seconds: tuple[float, ...]
    full_rates: tuple[float, ...]
    full_seconds: tuple[float, ...]
    step: float
    first_steps: int
    steps: int
    in_flight: int
    closed: float
    documents: int
    warm_up: int
    warm_path: int
    traced: int
    pause: float

    def estimate(self, chains: int, paths: int, hits: int) -> float:
        """Seconds of all rounds, without starts and stops."""
        search = (self.first_steps + (self.rounds - 1) * self.steps) * (self.step + self.pause)
        chain = self.rounds * (sum(self.seconds) + self.pause * len(self.seconds)) + search
        path = self.rounds * (self.closed + 2 + self.pause)
        own = self.rounds * (sum(self.full_seconds) + self.pause * len(self.full_seconds)) + search
        return chains * chain + (paths + hits) * path + (1 + hits) * own


WHOLE = Plan(
    rounds=5,
    seconds=(5, 10, 5, 5),
    full_rates=(1, 10),
    full_seconds=(5, 8),
    step=5,
    first_steps=5,
    steps=3,
    in_flight=50,
    closed=7,
    documents=2000,
    warm_up=100,
    warm_path=1000,
    traced=20,
    pause=1.0,
)
QUICK = Plan(
    rounds=1,
    seconds=(2, 5, 2, 2),
    full_rates=(1, 10),
    full_seconds=(2, 3),
    step=2,
    first_steps=3,
    steps=3,
    in_flight=50,
    closed=3,
    documents=800,
    warm_up=20,
    warm_path=20,
    traced=8,
    pause=0.5,
)
