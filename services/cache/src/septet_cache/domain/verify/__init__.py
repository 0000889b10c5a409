"""The checks that a semantic candidate must pass, all of them, before anything is scored."""

from septet_cache.domain.verify.alignment import Alignment, align
from septet_cache.domain.verify.checks import Check, run_checks

__all__ = ["Alignment", "Check", "align", "run_checks"]
