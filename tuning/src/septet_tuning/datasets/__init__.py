"""Building, checking, exporting and loading versions of datasets."""

from septet_tuning.datasets.dataset import Dataset, Split, load, write

__all__ = ["Dataset", "Split", "load", "write"]
