"""Losses of language models, as sums over rows."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from septet_tuning.training.llama import Shape, Tree, hidden_states

# (adapter, weights, batch) -> sum of losses. The trainer divides by the weight of the step.
Objective = Callable[[Tree, Tree, Tree], jax.Array]


def target_logits(shape: Shape, scale: float, adapter: Tree, weights: Tree, batch: Tree) -> jax.Array:
    """Logits at the positions that predict targets: (rows, targets, vocabulary)."""
    states = hidden_states(shape, weights, adapter, scale, batch["tokens"])
    picked = jnp.take_along_axis(states, batch["at"][..., None], axis=1)
    logits: jax.Array = picked @ weights["output"].T
    return logits


def log_likelihoods(shape: Shape, scale: float, adapter: Tree, weights: Tree, batch: Tree) -> jax.Array:
    """Log-likelihood of each target token."""
    logits = target_logits(shape, scale, adapter, weights, batch)
    chosen = jnp.take_along_axis(logits, batch["target"][..., None], axis=-1)[..., 0]
    return chosen - jax.nn.logsumexp(logits, axis=-1)


def sft_loss(shape: Shape, scale: float) -> Objective:
    """Weighted negative log-likelihood of the targets."""

    def loss(adapter: Tree, weights: Tree, batch: Tree) -> jax.Array:
        return -jnp.sum(batch["weight"] * log_likelihoods(shape, scale, adapter, weights, batch))

    return loss


def dpo_loss(shape: Shape, scale: float, beta: float) -> Objective:
    """Direct preference optimisation; the base model without the adapter is the reference.

    The first half of the rows are chosen answers, the second half the rejected ones. ``reference`` is the base
    model's log-likelihood of each row.
    """

    def loss(adapter: Tree, weights: Tree, batch: Tree) -> jax.Array:
        mask = batch["weight"] > 0
        likelihood = jnp.sum(mask * log_likelihoods(shape, scale, adapter, weights, batch), axis=1)
        chosen, rejected = jnp.split(likelihood - batch["reference"], 2)
        weight = jnp.split(batch["weight"][:, 0], 2)[0]
        return -jnp.sum(weight * jax.nn.log_sigmoid(beta * (chosen - rejected)))

    return loss


def exact_matches(shape: Shape, scale: float) -> Callable[[Tree, Tree, Tree], jax.Array]:
    """Whether greedy decoding would give exactly the target, for each row."""

    def matches(adapter: Tree, weights: Tree, batch: Tree) -> jax.Array:
        best = jnp.argmax(target_logits(shape, scale, adapter, weights, batch), axis=-1)
        return jnp.all((best == batch["target"]) | (batch["weight"] == 0), axis=1)

    return matches
