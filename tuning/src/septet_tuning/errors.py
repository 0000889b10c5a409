"""Errors of datasets, tuning and the registry.

TuningError
├── InvalidDataset   rows, folder or version of a dataset
├── InvalidRecipe    a recipe breaks its format
├── UnsuitableData   the data cannot train the model: empty, of one class, contradictory
├── MissingExtra     an optional package is not installed
└── RegistryError    a version or an alias
"""

from __future__ import annotations


class TuningError(Exception):
    """Base of all errors. ``fix`` names what the user can do; it may be empty."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class InvalidDataset(TuningError):
    """The rows or the folder of a dataset break their format."""


class InvalidRecipe(TuningError):
    """A recipe breaks its format. The message names file and field."""


class UnsuitableData(TuningError):
    """The data cannot train the model. The message has the counts."""


class MissingExtra(TuningError):
    """An optional package is not installed."""


class RegistryError(TuningError):
    """A version or an alias does not exist, exists already, or may not be promoted."""
