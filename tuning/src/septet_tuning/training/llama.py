"""Forward pass of Llama models, with weights in the layout of GGUF files.

GGUF stores the rows of the query and key projections so that rotary pairs are adjacent; the pass here rotates
adjacent pairs, and adapters are trained in the same layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

from septet_tuning.errors import TuningError

Tree = dict[str, Any]
NORMS = ("attn_norm", "ffn_norm")
PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class Shape:
    """Sizes and constants of a Llama model."""

    layers: int
    width: int
    hidden: int
    heads: int
    kv_heads: int
    vocabulary: int
    rope_base: float
    epsilon: float

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    def projection(self, name: str) -> tuple[int, int]:
        """Rows and columns of a projection of each layer."""
        keys = self.kv_heads * self.head_width
        return {
            "attn_q": (self.width, self.width),
            "attn_k": (keys, self.width),
            "attn_v": (keys, self.width),
            "attn_output": (self.width, self.width),
            "ffn_gate": (self.hidden, self.width),
            "ffn_up": (self.hidden, self.width),
            "ffn_down": (self.width, self.hidden),
        }[name]


def load_weights(file: Path) -> tuple[Shape, Tree]:
    """Read a GGUF file, with dequantised weights; those of all layers are stacked.

    Raises:
        TuningError: the architecture is not Llama.
    """
    reader = GGUFReader(file)
    architecture = str(reader.fields["general.architecture"].contents())
    if architecture != "llama":
        raise TuningError(
            f"{file}: the architecture is {architecture}", "Use a base model of architecture llama."
        )
    field = {name: value.contents() for name, value in reader.fields.items() if name.startswith("llama.")}
    tensors = {
        tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in reader.tensors
    }
    shape = Shape(
        layers=int(field["llama.block_count"]),
        width=int(field["llama.embedding_length"]),
        hidden=int(field["llama.feed_forward_length"]),
        heads=int(field["llama.attention.head_count"]),
        kv_heads=int(field["llama.attention.head_count_kv"]),
        vocabulary=len(tensors["token_embd.weight"]),
        rope_base=float(field["llama.rope.freq_base"]),
        epsilon=float(field["llama.attention.layer_norm_rms_epsilon"]),
    )
    layers = {
        name: jnp.asarray(np.stack([tensors[f"blk.{index}.{name}.weight"] for index in range(shape.layers)]))
        for name in (*NORMS, *PROJECTIONS)
    }
    embedding = jnp.asarray(tensors["token_embd.weight"])
    output = jnp.asarray(tensors["output.weight"]) if "output.weight" in tensors else embedding
    return shape, {
        "embedding": embedding,
        "output": output,
        "norm": jnp.asarray(tensors["output_norm.weight"]),
        "layers": layers,
    }


def hidden_states(shape: Shape, weights: Tree, adapter: Tree, scale: float, tokens: jax.Array) -> jax.Array:
    """Normalised states of the last layer: (rows, tokens, width). *adapter* is empty for the base model."""
    length = tokens.shape[1]
    angles = _angles(shape, length)
    visible = jnp.tril(jnp.ones((length, length), bool))

    def layer(state: jax.Array, parts: tuple[Tree, Tree]) -> tuple[jax.Array, None]:
        own, delta = parts

        def project(name: str, value: jax.Array) -> jax.Array:
            result: jax.Array = value @ own[name].T
            if name in delta:
                result += scale * (value @ delta[name]["a"].T) @ delta[name]["b"].T
            return result

        normed = _normalise(state, own["attn_norm"], shape.epsilon)
        attended = _attend(shape, [project(f"attn_{part}", normed) for part in "qkv"], angles, visible)
        state = state + project("attn_output", attended)
        normed = _normalise(state, own["ffn_norm"], shape.epsilon)
        gated = jax.nn.silu(project("ffn_gate", normed)) * project("ffn_up", normed)
        return state + project("ffn_down", gated), None

    state, _ = jax.lax.scan(layer, weights["embedding"][tokens], (weights["layers"], adapter))
    return _normalise(state, weights["norm"], shape.epsilon)


def _normalise(state: jax.Array, gain: jax.Array, epsilon: float) -> jax.Array:
    scaled: jax.Array = state * jax.lax.rsqrt(jnp.mean(state * state, axis=-1, keepdims=True) + epsilon)
    return scaled * gain


def _angles(shape: Shape, length: int) -> jax.Array:
    half = np.arange(0, shape.head_width, 2, dtype=np.float64) / shape.head_width
    return jnp.asarray(np.outer(np.arange(length), shape.rope_base**-half), jnp.float32)


def _rotate(value: jax.Array, angles: jax.Array) -> jax.Array:
    even, odd = value[..., 0::2], value[..., 1::2]
    cos, sin = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(value.shape)


def _attend(shape: Shape, parts: list[jax.Array], angles: jax.Array, visible: jax.Array) -> jax.Array:
    rows, length, _ = parts[0].shape
    query, key, value = (part.reshape(rows, length, -1, shape.head_width) for part in parts)
    query, key = _rotate(query, angles), _rotate(key, angles)
    query = query.reshape(rows, length, shape.kv_heads, -1, shape.head_width)
    scores = jnp.einsum("btkgd,bskd->bkgts", query, key) / np.sqrt(shape.head_width).astype(np.float32)
    attention = jax.nn.softmax(jnp.where(visible, scores, -jnp.inf), axis=-1)
    return jnp.einsum("bkgts,bskd->btkgd", attention, value).reshape(rows, length, -1)
