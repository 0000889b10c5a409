"""Weights of the groundedness regressions. Made by benchmarks/guardrails/calibrate_groundedness.py."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, float] = {
    "bias": -2.98,
    "sentence": 0.0,
    "passage": 3.208,
    "order": 1.96,
    "numbers": -5.045,
    "names": -5.789,
    "negation": -5.119,
    "apart": -8.459,
    "swapped": -3.097,
}
KOREAN: Mapping[str, float] = {
    "bias": -4.7,
    "sentence": 8.192,
    "passage": 4.958,
    "order": 0.0,
    "numbers": -10.14,
    "names": -8.45,
    "negation": -10.14,
    "apart": -16.9,
    "swapped": 0.0,
}
TABLE: Mapping[str, float] = {
    "bias": 2.024,
    "missing": -2.314,
    "more_missing": 0.0,
    "uncovered": -0.884,
    "mixed": -0.523,
    "idle": 0.0,
    "orphan": -3.746,
    "orphan_key": -1.298,
    "far": -0.195,
    "stray": -0.401,
    "lone": -1.507,
    "compared": -4.614,
    "unknown": -2.742,
}
