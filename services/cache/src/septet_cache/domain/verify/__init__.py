"""Checks that a semantic candidate must pass before the classifier runs."""

from septet_cache.domain.verify.alignment import Alignment, align
from septet_cache.domain.verify.checks import Check, run_checks

__all__ = ["Alignment", "Check", "align", "run_checks"]
