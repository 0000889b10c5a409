"""Low-rank adapters: ``W x + (alpha / rank) B A x`` for chosen projections of all layers."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from septet_tuning.training.llama import Shape, Tree


def new_adapter(shape: Shape, targets: Sequence[str], rank: int, seed: int) -> Tree:
    """A random A and a B of zeros: the adapted model equals the base model."""
    random = np.random.default_rng(seed)
    adapter: Tree = {}
    for name in sorted(targets):
        rows, columns = shape.projection(name)
        bound = np.sqrt(1 / columns)
        a = random.uniform(-bound, bound, (shape.layers, rank, columns)).astype(np.float32)
        adapter[name] = {"a": jnp.asarray(a), "b": jnp.zeros((shape.layers, rows, rank), jnp.float32)}
    return adapter


def merge(weights: Tree, adapter: Tree, scale: float) -> Tree:
    """The weights of a model that equals base plus adapter."""
    layers = dict(weights["layers"])
    for name, part in adapter.items():
        layers[name] = layers[name] + scale * jnp.einsum("lor,lri->loi", part["b"], part["a"])
    return {**weights, "layers": layers}
