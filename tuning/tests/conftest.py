"""Fast tests of datasets, tuning methods and the registry."""
