"""Building, checking, exporting and loading versions of datasets."""
