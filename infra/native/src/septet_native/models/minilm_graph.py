"""all-MiniLM-L6-v2 as an ONNX graph, built from its published weights without a training framework.

Architecture: BERT (Devlin et al. 2019) with 6 layers, distilled as MiniLM (Wang et al. 2020), mean
pooling over tokens and L2 normalisation as in Sentence-BERT (Reimers & Gurevych 2019). The encoder
uses onnxruntime's fused operators (domain ``com.microsoft``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]
FUSED = "com.microsoft"
OUTPUT = "sentence_embedding"


class _Graph:
    """Nodes and initializers of the graph; every method returns the name of the value that it adds."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []

    def constant(self, name: str, array: npt.NDArray[Any]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
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


def build(weights: Weights, *, layers: int, heads: int, hidden: int, epsilon: float) -> ModelProto:
    """The model, which maps ``input_ids`` and ``attention_mask`` (int64, batch × tokens) to unit vectors.

    Args:
        weights: the checkpoint's tensors in float32, names as in BERT without the prefix ``bert.``.
        layers: number of encoder layers.
        heads: attention heads per layer.
        hidden: width of the embeddings.
        epsilon: of the layer norms.
    """
    graph = _Graph(weights)
    state = _embed(graph, epsilon)
    for layer in range(layers):
        state = _encode(graph, state, layer, heads, hidden, epsilon)
    _pool(graph, state)
    value = helper.make_tensor_value_info
    model = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [value(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [value(OUTPUT, TensorProto.FLOAT, ["batch", hidden])],
        graph.initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(model, opset_imports=opsets, ir_version=9)


def _embed(g: _Graph, epsilon: float) -> str:
    g.op("Cast", ["input_ids"], "ids", to=TensorProto.INT32)
    g.op("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    # One segment: its ids are all zero, in the shape of the token ids.
    g.op("Sub", ["ids", "ids"], "segments")
    tables = [g.weight(f"embeddings.{kind}_embeddings.weight") for kind in ("word", "position", "token_type")]
    inputs = ["ids", "segments", *tables, *g.norm("embeddings.LayerNorm")]
    return g.op("EmbedLayerNormalization", inputs, "embedded", FUSED, epsilon=epsilon)


def _encode(g: _Graph, state: str, layer: int, heads: int, hidden: int, epsilon: float) -> str:
    prefix = f"encoder.layer.{layer}"
    parts = [f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")]
    matrix = np.concatenate([g.weights[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([g.weights[f"{part}.bias"] for part in parts])
    qkv = [g.constant(f"{prefix}.qkv.weight", matrix), g.constant(f"{prefix}.qkv.bias", bias)]
    if matrix.shape != (hidden, 3 * hidden):
        raise ValueError(f"{prefix}: attention weights have shape {matrix.shape}")

    out = f"{prefix}.attention.output"
    attended = g.op("Attention", [state, *qkv, "mask"], f"{prefix}.attended", FUSED, num_heads=heads)
    mixed = g.op("MatMul", [attended, g.weight(f"{out}.dense.weight", transposed=True)], f"{prefix}.mixed")
    inputs = [mixed, state, *g.norm(f"{out}.LayerNorm"), g.weight(f"{out}.dense.bias")]
    state = g.op("SkipLayerNormalization", inputs, f"{prefix}.normed", FUSED, epsilon=epsilon)

    up, down = f"{prefix}.intermediate.dense", f"{prefix}.output"
    wide = g.op("MatMul", [state, g.weight(f"{up}.weight", transposed=True)], f"{prefix}.wide")
    active = g.op("BiasGelu", [wide, g.weight(f"{up}.bias")], f"{prefix}.active", FUSED)
    narrow = g.op("MatMul", [active, g.weight(f"{down}.dense.weight", transposed=True)], f"{prefix}.narrow")
    inputs = [narrow, state, *g.norm(f"{down}.LayerNorm"), g.weight(f"{down}.dense.bias")]
    return g.op("SkipLayerNormalization", inputs, f"{prefix}.out", FUSED, epsilon=epsilon)


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
