"""Port of the models that give tokens vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TokenVectors(Protocol):
    """A model that gives each token of a text a vector.

    Attributes:
        model: its name and precision.
        layer: the layer whose outputs are the vectors, from 1.
        max_tokens: a text is cut after them, special ones not counted.
    """

    @property
    def model(self) -> str: ...
    @property
    def layer(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def tokenize(self, text: str) -> Sequence[str]:
        """Tokens of a text, without special ones."""
        ...

    def encode(self, text: str) -> tuple[Sequence[str], NDArray[np.float32]]:
        """Tokens of a text, without special ones, and their vectors [n, d]."""
        ...
