"""Trained weights that ship in the package."""

from __future__ import annotations

from importlib.resources import files

from septet_guardrails.domain.linear import LinearHead


def injection_head() -> LinearHead:
    """Load the injection classifier that ``benchmarks/guardrails/train_injection.py`` trains."""
    return LinearHead.loads(
        (files("septet_guardrails") / "weights" / "injection.json").read_text(encoding="utf-8")
    )
