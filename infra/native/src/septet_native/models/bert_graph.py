"""BERT sentence encoders as ONNX graphs, built from published weights without a training framework.

Architecture: BERT (Devlin et al. 2019), mean pooling over tokens and L2 normalisation as in Sentence-BERT (Reimers &
Gurevych 2019). The encoder uses onnxruntime's fused operators (domain ``com.microsoft``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]
FUSED = "com.microsoft"
OUTPUT = "sentence_embedding"
WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Shape:
    """Numbers of a BERT encoder.

    Attributes:
        layers: number of encoder layers.
        heads: attention heads per layer.
        hidden: width of the embeddings.
        epsilon: of the layer norms.
    """

    layers: int
    heads: int
    hidden: int
    epsilon: float


@dataclass(frozen=True)
class Blocks:
    """A word table of 4-bit integers with one scale for each block of a row.

    Attributes:
        codes: integers from -8 to 7, shape (words, hidden).
        scales: float32, shape (words, hidden / size).
        size: integers of one block.
    """

    codes: npt.NDArray[np.int8]
    scales: Array
    size: int


class _Graph:
    """Nodes and initializers of the graph; every method returns the name of the value that it adds."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []

    def constant(self, name: str, array: npt.NDArray[Any]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def nibbles(self, name: str, codes: npt.NDArray[np.int8]) -> str:
        """A constant of 4-bit integers, two in a byte, the first in its lower half."""
        flat = codes.reshape(-1).view(np.uint8) & 0x0F
        packed = flat[0::2] | (flat[1::2] << 4)
        tensor = TensorProto(
            name=name, data_type=TensorProto.INT4, dims=codes.shape, raw_data=packed.tobytes()
        )
        self.initializers.append(tensor)
        return name

    def weight(self, name: str, *, transposed: bool = False) -> str:
        array = self.weights[name]
        return self.constant(name, array.T if transposed else array)

    def op(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        outputs = [output, f"{output}.mask"] if kind == "EmbedLayerNormalization" else [output]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return output

    def norm(self, prefix: str) -> list[str]:
        return [self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")]


def build(name: str, weights: Weights, shape: Shape, words: Blocks | None = None) -> ModelProto:
    """The model, which maps ``input_ids`` and ``attention_mask`` (int64, batch × tokens) to unit vectors.

    Args:
        name: of the graph.
        weights: the checkpoint's tensors in float32, names as in BERT without the prefix ``bert.``.
        shape: of the encoder.
        words: the word table, if *weights* does not have it.
    """
    graph = _Graph(weights)
    state = _embed(graph, shape) if words is None else _embed_blocks(graph, shape, words)
    for layer in range(shape.layers):
        state = _encode(graph, state, layer, shape)
    _pool(graph, state)
    value = helper.make_tensor_value_info
    model = helper.make_graph(
        graph.nodes,
        name,
        [value(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [value(OUTPUT, TensorProto.FLOAT, ["batch", shape.hidden])],
        graph.initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(model, opset_imports=opsets, ir_version=9)


def _embed(g: _Graph, shape: Shape) -> str:
    g.op("Cast", ["input_ids"], "ids", to=TensorProto.INT32)
    g.op("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    # One segment: its ids are all zero, in the shape of the token ids.
    g.op("Sub", ["ids", "ids"], "segments")
    tables = [g.weight(f"embeddings.{kind}_embeddings.weight") for kind in ("word", "position", "token_type")]
    inputs = ["ids", "segments", *tables, *g.norm("embeddings.LayerNorm")]
    return g.op("EmbedLayerNormalization", inputs, "embedded", FUSED, epsilon=shape.epsilon)


def _embed_blocks(g: _Graph, shape: Shape, words: Blocks) -> str:
    """The same sum and norm; only the rows of the batch's tokens are expanded to float32, so the table stays small."""
    g.op("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    table = [g.nibbles("words", words.codes), "input_ids", g.constant("words.scales", words.scales)]
    g.op("GatherBlockQuantized", table, "words.rows", FUSED, block_size=words.size)
    # One segment: its row is a constant of every position.
    places = g.weights["embeddings.position_embeddings.weight"]
    segment = g.weights["embeddings.token_type_embeddings.weight"][0]
    size = g.op("Shape", ["input_ids"], "size")
    tokens = g.op("Gather", [size, g.constant("second", np.array([1], np.int64))], "tokens", axis=0)
    start = g.constant("start", np.array([0], np.int64))
    rows = g.op("Slice", [g.constant("places", places + segment), start, tokens], "places.rows")
    # The skip input has the shape of the first.
    shaped = g.op("Expand", [rows, g.op("Shape", ["words.rows"], "shape")], "places.batch")
    inputs = ["words.rows", shaped, *g.norm("embeddings.LayerNorm")]
    return g.op("SkipLayerNormalization", inputs, "embedded", FUSED, epsilon=shape.epsilon)


def _encode(g: _Graph, state: str, layer: int, shape: Shape) -> str:
    prefix = f"encoder.layer.{layer}"
    parts = [f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")]
    matrix = np.concatenate([g.weights[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([g.weights[f"{part}.bias"] for part in parts])
    qkv = [g.constant(f"{prefix}.qkv.weight", matrix), g.constant(f"{prefix}.qkv.bias", bias)]
    if matrix.shape != (shape.hidden, 3 * shape.hidden):
        raise ValueError(f"{prefix}: attention weights have shape {matrix.shape}")

    out = f"{prefix}.attention.output"
    attended = g.op("Attention", [state, *qkv, "mask"], f"{prefix}.attended", FUSED, num_heads=shape.heads)
    mixed = g.op("MatMul", [attended, g.weight(f"{out}.dense.weight", transposed=True)], f"{prefix}.mixed")
    inputs = [mixed, state, *g.norm(f"{out}.LayerNorm"), g.weight(f"{out}.dense.bias")]
    state = g.op("SkipLayerNormalization", inputs, f"{prefix}.normed", FUSED, epsilon=shape.epsilon)

    up, down = f"{prefix}.intermediate.dense", f"{prefix}.output"
    wide = g.op("MatMul", [state, g.weight(f"{up}.weight", transposed=True)], f"{prefix}.wide")
    active = g.op("BiasGelu", [wide, g.weight(f"{up}.bias")], f"{prefix}.active", FUSED)
    narrow = g.op("MatMul", [active, g.weight(f"{down}.dense.weight", transposed=True)], f"{prefix}.narrow")
    inputs = [narrow, state, *g.norm(f"{down}.LayerNorm"), g.weight(f"{down}.dense.bias")]
    return g.op("SkipLayerNormalization", inputs, f"{prefix}.out", FUSED, epsilon=shape.epsilon)


def _pool(g: _Graph, state: str) -> str:
    """Mean of the token vectors under the mask, then L2 norm 1."""
    g.op("Cast", ["attention_mask"], "mask.float", to=TensorProto.FLOAT)
    g.op("Unsqueeze", ["mask.float", g.constant("axis.2", np.array([2], np.int64))], "mask.wide")
    g.op("Mul", [state, "mask.wide"], "masked")
    axis = g.constant("axis.1", np.array([1], np.int64))
    g.op("ReduceSum", ["masked", axis], "sum", keepdims=0)
    g.op("ReduceSum", ["mask.wide", axis], "count", keepdims=0)
    g.op("Div", ["sum", "count"], "mean")
    return g.op("LpNormalization", ["mean"], OUTPUT, axis=1, p=2)
