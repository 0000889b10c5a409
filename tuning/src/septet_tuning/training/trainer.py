"""Gradient descent with accumulation, held-out loss, early stopping and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax

from septet_tuning.training.batches import Batch
from septet_tuning.training.llama import Tree
from septet_tuning.training.objectives import Objective
from septet_tuning.tuning_runs import TuningRun


@dataclass(frozen=True)
class Schedule:
    """How long and how fast."""

    steps: int
    batch: int
    accumulation: int
    learning_rate: float
    warmup: int
    evaluate_every: int
    checkpoint_every: int
    patience: int
    clip: float = 1.0


@dataclass(frozen=True)
class Task:
    """What is minimised, on which rows.

    Attributes:
        objective: sum of losses over a batch.
        weight: divisor of that sum.
        make: the batch of some training rows, by position.
        rows: number of training rows.
        held_out: batches of held-out rows.
    """

    objective: Objective
    weight: Callable[[Batch], float]
    make: Callable[[Sequence[int]], Batch]
    rows: int
    held_out: Sequence[Batch]


@dataclass
class _State:
    adapter: Tree
    optimiser: Any
    best: Tree
    best_loss: float = float("inf")
    worse: int = 0


class Trainer:
    """Trains an adapter. The order of rows depends on seed and step alone, so that a resumed run repeats it."""

    def __init__(self, task: Task, schedule: Schedule, weights: Tree, seed: int) -> None:
        self._task, self._schedule, self._weights, self._seed = task, schedule, weights, seed
        warmup = optax.linear_schedule(0.0, schedule.learning_rate, max(1, schedule.warmup))
        decay = optax.cosine_decay_schedule(
            schedule.learning_rate, max(1, schedule.steps - schedule.warmup), 0.1
        )
        rate = optax.join_schedules([lambda step: warmup(step + 1), decay], [schedule.warmup])
        self._optimiser = optax.chain(optax.clip_by_global_norm(schedule.clip), optax.adam(rate))
        self._loss = jax.jit(task.objective)
        self._gradient = jax.jit(jax.value_and_grad(task.objective))
        self._apply = jax.jit(self._update)

    def train(self, adapter: Tree, run: TuningRun) -> Tree:
        """Train from *adapter*, or from the run's checkpoint. Returns the adapter with the lowest held-out loss."""
        state = _State(adapter, self._optimiser.init(adapter), adapter)
        step = self._restore(state, run)
        schedule = self._schedule
        while step < schedule.steps and not (schedule.patience and state.worse >= schedule.patience):
            step += 1
            loss = self._step(state, step)
            held_out = None
            if step % schedule.evaluate_every == 0 or step == schedule.steps:
                held_out = self.held_out_loss(state.adapter)
                self._compare(state, held_out)
            run.report(step, loss, held_out)
            if step % schedule.checkpoint_every == 0 or step == schedule.steps:
                self._save(state, step, run)
        return state.best

    def held_out_loss(self, adapter: Tree) -> float:
        """Mean loss on held-out rows."""
        batches = self._task.held_out
        total = sum(float(self._loss(adapter, self._weights, batch)) for batch in batches)
        return total / sum(self._task.weight(batch) for batch in batches)

    def _step(self, state: _State, step: int) -> float:
        size = self._schedule.batch * self._schedule.accumulation
        rows = [self._row((step - 1) * size + offset) for offset in range(size)]
        batches = [
            self._task.make(rows[start : start + self._schedule.batch])
            for start in range(0, size, self._schedule.batch)
        ]
        total, gradient = 0.0, None
        # Sums are divided once by the weight of the whole step: each token counts the same in any micro-batch.
        for batch in batches:
            loss, part = self._gradient(state.adapter, self._weights, batch)
            total += float(loss)
            gradient = part if gradient is None else jax.tree.map(lambda a, b: a + b, gradient, part)
        weight = sum(self._task.weight(batch) for batch in batches)
        state.adapter, state.optimiser = self._apply(state.adapter, state.optimiser, gradient, weight)
        return total / weight

    def _update(self, adapter: Tree, optimiser: Any, gradient: Tree, weight: float) -> tuple[Tree, Any]:
        mean = jax.tree.map(lambda each: each / weight, gradient)
        updates, optimiser = self._optimiser.update(mean, optimiser)
        return optax.apply_updates(adapter, updates), optimiser

    def _row(self, position: int) -> int:
        epoch, offset = divmod(position, self._task.rows)
        return int(np.random.default_rng([self._seed, epoch]).permutation(self._task.rows)[offset])

    @staticmethod
    def _compare(state: _State, held_out: float) -> None:
        if held_out < state.best_loss:
            state.best, state.best_loss, state.worse = state.adapter, held_out, 0
        else:
            state.worse += 1

    @staticmethod
    def _save(state: _State, step: int, run: TuningRun) -> None:
        leaves = jax.tree.leaves((state.adapter, state.optimiser, state.best))
        best = None if state.best_loss == float("inf") else state.best_loss
        arrays = {str(index): np.asarray(leaf) for index, leaf in enumerate(leaves)}
        run.save_checkpoint(step, arrays, {"best_loss": best, "worse": state.worse})

    @staticmethod
    def _restore(state: _State, run: TuningRun) -> int:
        saved = run.load_checkpoint()
        if saved is None:
            return 0
        structure = jax.tree.structure((state.adapter, state.optimiser, state.best))
        leaves = [jax.numpy.asarray(saved.arrays[str(index)]) for index in range(len(saved.arrays))]
        state.adapter, state.optimiser, state.best = jax.tree.unflatten(structure, leaves)
        best = saved.state["best_loss"]
        state.best_loss = float("inf") if best is None else best
        state.worse = saved.state["worse"]
        return saved.step
