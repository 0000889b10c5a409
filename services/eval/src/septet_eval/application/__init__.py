"""Use cases of eval: scoring within a time budget, and the events of a release."""
