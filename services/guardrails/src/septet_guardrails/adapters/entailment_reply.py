"""Error of a reply that an adapter of an entailment model cannot read."""

from __future__ import annotations


class NoScore(ValueError):
    """A reply has no score. The message holds nothing of the reply but labels, so it may be logged."""
