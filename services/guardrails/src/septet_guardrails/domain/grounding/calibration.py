"""Weights of the groundedness regressions. Made by benchmarks/guardrails/calibrate_groundedness.py."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH: Mapping[str, float] = {
    "bias": -2.889,
    "sentence": 0.0,
    "passage": 3.187,
    "order": 1.575,
    "numbers": -3.074,
    "names": -3.879,
    "negation": -3.455,
    "swapped": -2.903,
}
KOREAN: Mapping[str, float] = {
    "bias": -1.077,
    "sentence": 0.704,
    "passage": 3.737,
    "order": 0.0,
    "numbers": -3.93,
    "names": 0.0,
    "negation": -3.97,
    "swapped": 0.0,
}
