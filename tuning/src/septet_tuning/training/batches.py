"""Batches of one size, so that each function is compiled once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from septet_tuning.training.chat import Example

Batch = dict[str, np.ndarray]


class Batches:
    """Pads examples to the longest of all. The loss reads the positions of targets alone."""

    def __init__(self, examples: Sequence[Example], rows: int) -> None:
        self._rows = rows
        self._length = _round_up(max(len(each) for each in examples), 16)
        self._targets = _round_up(max(len(each.target) for each in examples), 4)

    @property
    def length(self) -> int:
        """Tokens of a row."""
        return self._length

    def make(self, examples: Sequence[Example]) -> Batch:
        """One batch. Missing rows get weight 0."""
        tokens = np.zeros((self._rows, self._length), np.int32)
        at, target = (np.zeros((self._rows, self._targets), np.int32) for _ in range(2))
        weight = np.zeros((self._rows, self._targets), np.float32)
        for row, each in enumerate(examples):
            count = len(each.target)
            tokens[row, : len(each)] = (*each.prompt, *each.target)
            # The state before a token predicts it.
            at[row, :count] = len(each.prompt) - 1 + np.arange(count)
            target[row, :count] = each.target
            weight[row, :count] = each.weight
        return {"tokens": tokens, "at": at, "target": target, "weight": weight}

    def split(self, examples: Sequence[Example]) -> list[Batch]:
        """All examples, in batches."""
        return [
            self.make(examples[start : start + self._rows]) for start in range(0, len(examples), self._rows)
        ]


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
