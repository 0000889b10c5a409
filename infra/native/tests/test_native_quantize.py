"""Quantised weights cannot saturate the 16-bit sums of processors without VNNI; the tests compute it from the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from septet_native.models.build import MODELS
from septet_native.models.quantization import quantize, saturating_weights
from septet_native.packages.cache import cache_root

WIDTH = 64


def linear(path: Path) -> Path:
    """A graph of one matrix product with random weights."""
    weights = np.random.default_rng(7).standard_normal((WIDTH, WIDTH)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        "linear",
        [value("x", TensorProto.FLOAT, ["rows", WIDTH])],
        [value("y", TensorProto.FLOAT, ["rows", WIDTH])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def largest_pair(model: ModelProto) -> int:
    """Largest 255 × (|a| + |b|) over weights a and b that are neighbours along the summed axis."""
    found = 0
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.int8 and weights.ndim == 2:
            magnitudes = np.abs(weights.astype(np.int32))
            found = max(found, 255 * int((magnitudes[:-1] + magnitudes[1:]).max()))
    return found


@pytest.mark.parametrize(("name", "count"), [("multilingual-e5-small", 48), ("all-MiniLM-L6-v2", 24)])
def test_weights_of_an_embedding_model_cannot_saturate(name: str, count: int) -> None:
    MODELS[name].ensure(cache_root())
    model = onnx.load(MODELS[name].model_path(cache_root()))
    products = [node for node in model.graph.node if node.op_type in ("MatMulInteger", "QAttention")]
    assert len(products) == count
    assert saturating_weights(model) == []
    assert 0 < largest_pair(model) <= 32_767


def test_quantised_weights_keep_seven_bits(tmp_path: Path) -> None:
    quantize(linear(tmp_path / "full.onnx"), tmp_path / "int8.onnx", ["MatMul"])
    (weights,) = (
        numpy_helper.to_array(tensor)
        for tensor in onnx.load(tmp_path / "int8.onnx").graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 2
    )
    assert np.abs(weights.astype(int)).max() == 64


def test_weights_of_eight_bits_are_reported(tmp_path: Path) -> None:
    source = linear(tmp_path / "full.onnx")
    quantize_dynamic(source, tmp_path / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
    model = onnx.load(tmp_path / "int8.onnx")
    assert saturating_weights(model) == ["w_quantized"]
    assert largest_pair(model) > 32_767


def test_model_that_can_saturate_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_reduced_range(*arguments: object, reduce_range: bool, **options: object) -> None:
        assert reduce_range
        quantize_dynamic(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("septet_native.models.quantization.quantize_dynamic", without_reduced_range)
    with pytest.raises(ValueError, match="w_quantized"):
        quantize(linear(tmp_path / "full.onnx"), tmp_path / "int8.onnx", ["MatMul"])
