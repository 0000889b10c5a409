"""Simulated runs whose true difference is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_experiments.gates import Group, Pairs

Floats = NDArray[np.float64]
Values = tuple[Floats, Floats]
Draw = Callable[[np.random.Generator, int, float], Values]
ICC, TURNS = 0.3, 5
FEW = np.repeat(np.arange(8), [4, 6, 8, 12, 16, 24, 32, 40])


@dataclass(frozen=True)
class World:
    """Cases of one kind.

    Attributes:
        name: what is simulated.
        clusters: cluster of each case, shape (n,).
        draw: values of baseline and candidate, each of shape (runs, n), for a generator, a number of runs and a loss.
    """

    name: str
    clusters: NDArray[Any]
    draw: Draw

    def pairs(self, seed: int, runs: int, loss: float) -> Iterator[Pairs]:
        """Simulated runs with a mean loss of the candidate."""
        ids = tuple(map(str, range(self.clusters.size)))
        baseline, candidate = self.draw(np.random.default_rng(seed), runs, loss)
        for old, new in zip(baseline, candidate, strict=True):
            yield Pairs("score", ids, self.clusters, old, new, cases=len(ids))


def binary(n: int, discordance: float) -> World:
    """Independent cases, right or wrong, of which a share differs between the runs."""

    def draw(rng: np.random.Generator, runs: int, loss: float) -> Values:
        share = max(discordance, loss)
        kind, right = rng.random((runs, n)), (rng.random((runs, n)) < 0.7).astype(float)
        worse, changed = kind < (share + loss) / 2, kind < share
        old = np.where(worse, 1.0, np.where(changed, 0.0, right))
        return old, np.where(changed, 1 - old, old)

    return World(f"binary, n = {n}, {discordance:.0%} of the cases differ", np.arange(n), draw)


def continuous(n: int) -> World:
    """Independent cases with values on a scale."""

    def draw(rng: np.random.Generator, runs: int, loss: float) -> Values:
        level = rng.normal(0.7, 0.2, (runs, n))
        old, new = (level + rng.normal(0, 0.15, (runs, n)) for _ in range(2))
        return old, new - loss

    return World(f"continuous, n = {n}", np.arange(n), draw)


def turns(conversations: int) -> World:
    """Values on a scale, five turns a conversation; a third of the differences' variance is the conversation's."""
    clusters = np.repeat(np.arange(conversations), TURNS)
    return World(f"{conversations} conversations of {TURNS} turns, ICC {ICC}", clusters, _scaled(clusters))


def few_clusters() -> World:
    """Values on a scale in eight documents of 4 to 40 cases."""
    return World(f"8 documents of 4 to 40 cases, ICC {ICC}", FEW, _scaled(FEW))


def uneven_clusters(count: int) -> World:
    """Values on a scale in documents whose numbers of cases differ tenfold."""
    clusters = np.repeat(np.arange(count), np.round(4 * 10 ** np.linspace(0, 1, count)).astype(int))
    return World(f"{count} documents of 4 to 40 cases, ICC {ICC}", clusters, _scaled(clusters))


def _scaled(clusters: NDArray[Any]) -> Draw:
    def draw(rng: np.random.Generator, runs: int, loss: float) -> Values:
        common = rng.standard_normal((runs, int(clusters.max()) + 1))[:, clusters]
        own = rng.standard_normal((runs, clusters.size))
        old = rng.normal(0.7, 0.2, own.shape)
        return old, old + 0.3 * (np.sqrt(ICC) * common + np.sqrt(1 - ICC) * own) - loss

    return draw


def binary_turns(conversations: int) -> World:
    """Right or wrong, five turns a conversation. A quarter of the conversations change, mostly in one direction."""
    clusters = np.repeat(np.arange(conversations), TURNS)
    changing, share, same = 0.25, 0.4, np.sqrt(0.75)

    def draw(rng: np.random.Generator, runs: int, loss: float) -> Values:
        shape = runs, conversations
        down = rng.random(shape) < (1 + loss / (changing * share * same)) / 2
        unstable = (rng.random(shape) < changing)[:, clusters]
        changed = unstable & (rng.random((runs, clusters.size)) < share)
        follows = rng.random((runs, clusters.size)) < (1 + same) / 2
        worse = changed & (down[:, clusters] == follows)
        right = (rng.random((runs, clusters.size)) < 0.7).astype(float)
        old = np.where(worse, 1.0, np.where(changed, 0.0, right))
        return old, np.where(changed, 1 - old, old)

    return World(f"binary, {conversations} conversations of {TURNS} turns, ICC {ICC}", clusters, draw)


def few_changes(n: int) -> World:
    """Three draws a case at temperature 0: 3 % of the cases vary; those that a loss adds are always wrong."""

    def draw(rng: np.random.Generator, runs: int, loss: float) -> Values:
        varies = rng.random((runs, n)) < 0.03
        old, new = (np.where(varies, rng.binomial(3, 0.5, (runs, n)) / 3, 1.0) for _ in range(2))
        lost = rng.random((runs, n)) < loss / 0.985
        return old, np.where(lost, 0.0, new)

    return World(f"mean of three draws, n = {n}, 3% of the cases vary", np.arange(n), draw)


def conversations(rng: np.random.Generator, count: int, rate: float, first: int = 0) -> Group:
    """Conversations of 1 to 9 answers with a mean share of right ones, ICC .3."""
    sizes = rng.integers(1, 10, count)
    # A beta distribution whose parameters add up to 1 / ICC − 1 has this intra-class correlation.
    spread = 1 / ICC - 1
    rates = rng.beta(rate * spread, (1 - rate) * spread, count)
    clusters = np.repeat(np.arange(first, first + count), sizes)
    return Group((rng.random(clusters.size) < rates[clusters - first]).astype(float), clusters)
