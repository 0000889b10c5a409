"""Instruction classifier of the package ``stackone-defender``: a MiniLM with two heads, on onnxruntime.

Only the model files of the package are used. The package's own loader neither limits threads nor sets the precision.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAX_TOKENS = 256
# 256 tokens of Latin script never need more text than this, so that the rest is not tokenised.
MAX_CHARACTERS = 4_096


class DefenderClassifier:
    """Returns the logits of the heads "attack" and "form" for a text of at most ``MAX_TOKENS`` tokens."""

    def __init__(self) -> None:
        folder = files("stackone_defender") / "models" / "minilm-multihead-v5"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Without VNNI, signed 8-bit weights saturate. This setting uses unsigned weights there, so that the products
        # are exact on every processor.
        options.add_session_config_entry("session.x64quantprecision", "1")
        model = (folder / "model_quantized.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def __call__(self, text: str) -> tuple[float, float]:
        ids = np.array([self._tokenizer.encode(text[:MAX_CHARACTERS]).ids], np.int64)
        (logits,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        return float(logits[0][0]), float(logits[0][1])
