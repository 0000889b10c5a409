"""Definitions of embedding models: what a client must know to embed text with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TextKind = Literal["question", "passage"]
"""A question is embedded to search with it; a passage, a sentence or an answer to be found."""

DEFAULT = "multilingual-e5-small"


@dataclass(frozen=True)
class EmbeddingModel:
    """Properties of a model.

    Attributes:
        dimensions: length of the vectors.
        prefixes: text that the model expects before a text of each kind.
        multilingual: whether the model supports scripts other than Latin.
    """

    dimensions: int
    prefixes: dict[TextKind, str]
    multilingual: bool


KNOWN = {
    "multilingual-e5-small": EmbeddingModel(
        384, {"question": "query: ", "passage": "passage: "}, multilingual=True
    ),
    "all-MiniLM-L6-v2": EmbeddingModel(384, {"question": "", "passage": ""}, multilingual=False),
}


def base_name(model: str) -> str:
    """The name without its owner: ``intfloat/multilingual-e5-small`` is ``multilingual-e5-small``."""
    return model.rpartition("/")[2]


def definition_of(model: str) -> EmbeddingModel | None:
    """The definition of a known model, by its name with or without its owner."""
    return KNOWN.get(base_name(model))
