"""The trained weights that the package carries."""

from __future__ import annotations

from importlib.resources import files

from septet_guardrails.domain.linear import LinearHead


def injection_head() -> LinearHead:
    """Weights made by ``benchmarks/guardrails/train_injection.py``."""
    return LinearHead.loads(
        (files("septet_guardrails") / "weights" / "injection.json").read_text(encoding="utf-8")
    )
