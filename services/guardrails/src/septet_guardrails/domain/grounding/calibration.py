"""Weights of the groundedness regressions. Made by benchmarks/guardrails/calibrate_groundedness.py."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, float] = {
    "bias": -3.055,
    "sentence": 0.0,
    "passage": 3.222,
    "order": 2.089,
    "numbers": -5.016,
    "names": -6.216,
    "negation": -5.549,
    "apart": -8.638,
    "swapped": -3.018,
}
KOREAN: Mapping[str, float] = {
    "bias": -4.649,
    "sentence": 7.902,
    "passage": 5.071,
    "order": 0.0,
    "numbers": -9.989,
    "names": -8.324,
    "negation": -9.989,
    "apart": -16.648,
    "swapped": 0.0,
}
TABLE: Mapping[str, float] = {
    "bias": 2.058,
    "missing": -2.338,
    "more_missing": 0.0,
    "uncovered": -0.91,
    "mixed": -0.661,
    "idle": 0.0,
    "orphan": -3.91,
    "orphan_key": -1.322,
    "far": -0.201,
    "stray": -0.398,
    "lone": -1.544,
    "compared": -4.624,
    "unknown": -2.683,
}
