"""Dynamic 8-bit quantisation that computes the same integers on every processor.

onnxruntime multiplies unsigned activations by signed weights. On processors without VNNI its kernels use
``VPMADDUBSW``, which adds two neighbouring products in 16 bits and saturates. With weights of 7 bits the largest
sum is 2 × 255 × 64 = 32,640. It fits into 16 bits, so that no activations can saturate it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LARGEST_ACTIVATION, LARGEST_SUM = 255, 32_767
# Operators of integer matrix products, and the position of the weights among their inputs.
PRODUCTS = {
    "MatMulInteger": 1,
    "MatMulIntegerToFloat": 1,
    "DynamicQuantizeMatMul": 1,
    "QAttention": 1,
    "QLinearMatMul": 3,
    "QGemm": 3,
    "ConvInteger": 1,
    "QLinearConv": 3,
    "DynamicQuantizeLSTM": 1,
}


def save(model: ModelProto, target: Path, operators: Sequence[str]) -> None:
    """Write *model* to *target*, with quantised weights of *operators*; without operators as it is."""
    if not operators:
        onnx.save(model, str(target))
        return
    full = target.with_name(target.name + ".fp32")
    try:
        onnx.save(model, str(full))
        quantize(full, target, operators)
    finally:
        full.unlink(missing_ok=True)


def quantize(source: Path, target: Path, operators: Sequence[str]) -> None:
    """Write *source* to *target* with quantised weights; activations are quantised at run time.

    Args:
        source: ONNX file in float32.
        target: the file to write.
        operators: types of the operators to quantise, for example ``MatMul`` and ``Attention``.

    Raises:
        ValueError: weights of the result can saturate.
    """
    quantize_dynamic(
        source,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=list(operators),
        # The fused operators hide shapes from the quantiser, which needs the type of their outputs.
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
    )
    if found := saturating_weights(onnx.load(target)):
        raise ValueError(f"these weights can saturate on processors without VNNI: {', '.join(found)}")


def saturating_weights(model: ModelProto) -> list[str]:
    """Names of the weights for which some activations saturate a 16-bit sum of two products."""
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    return [
        name
        for name in _weights(model.graph.node)
        if name not in initializers or _largest_sum(numpy_helper.to_array(initializers[name])) > LARGEST_SUM
    ]


def _weights(nodes: Sequence[NodeProto]) -> Iterator[str]:
    for node in nodes:
        if node.op_type in PRODUCTS:
            yield node.input[PRODUCTS[node.op_type]]


def _largest_sum(weights: npt.NDArray[np.integer[Any]]) -> int:
    """Upper bound of the magnitude of a sum of two products, for any pair of neighbouring weights.

    It is 0 for unsigned weights: their kernels widen them to 16 bits and add the products in 32 bits.
    """
    if weights.dtype == np.uint8:
        return 0
    return 2 * LARGEST_ACTIVATION * int(np.abs(weights.astype(np.int32)).max())
