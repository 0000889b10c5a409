"""Weights of the groundedness regressions. Made by benchmarks/guardrails/calibrate_groundedness.py."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, float] = {
    "bias": -3.024,
    "sentence": 0.0,
    "passage": 3.274,
    "order": 1.984,
    "numbers": -5.015,
    "names": -6.211,
    "negation": -5.21,
    "apart": -8.635,
    "swapped": -3.082,
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
    "bias": 2.026,
    "missing": -2.313,
    "more_missing": 0.0,
    "uncovered": -0.888,
    "mixed": -0.522,
    "idle": 0.0,
    "orphan": -3.743,
    "orphan_key": -1.296,
    "far": -0.199,
    "stray": -0.401,
    "lone": -1.504,
    "compared": -4.616,
    "unknown": -2.743,
}
