"""Durations and sizes of a run."""

from __future__ import annotations

from dataclasses import dataclass

RATES = (1, 10, 50, 100)


@dataclass(frozen=True)
class Plan:
    """Durations in seconds.

    Attributes:
        rounds: number of rounds; each measures every contender once.
        seconds: duration of each of :data:`RATES`, for chains without work.
        full_rates: rates of the whole path.
        full_seconds: duration of each of ``full_rates``.
        step: duration of a step of the search for the highest rate.
        first_steps: steps of that search in the first round, which starts from a guess.
        steps: steps in later rounds, which start from the previous result.
        in_flight: concurrent requests of the closed loop.
        closed: duration of the closed loop.
        documents: number of ingested documents of the demo.
        warm_up: requests to Septet before its records are measured.
        warm_path: requests of the whole path to each answering process before the first round: each process caches 4096
            embeddings, and requests cost up to twice as much until that cache is full.
        traced: traced requests per round.
        pause: pause between two phases, in which spans are exported and consumers catch up.
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
        """Estimated seconds of all rounds, without starts and stops."""
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
