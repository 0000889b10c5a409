"""Trained weights that ship in the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from septet_guardrails.adapters.defender import DefenderClassifier
from septet_guardrails.domain.injection.linear import LinearHead
from septet_guardrails.domain.injection.model import InjectionModel, Signals
from septet_guardrails.domain.operating_points import RateCurve


def injection_model() -> InjectionModel:
    """Load the injection model that ``benchmarks/guardrails/train_injection.py`` trains."""
    body = _read("injection")
    return InjectionModel(LinearHead.loads(body), Signals(**body["signals"]), DefenderClassifier())


def injection_curve() -> RateCurve:
    """Load the false-positive rates of the injection rail that ``benchmarks/guardrails/injection.py`` measures."""
    return RateCurve([(rate, score) for rate, score in _read("injection_curve")["points"]])


def _read(name: str) -> Any:
    return json.loads((files("septet_guardrails") / "weights" / f"{name}.json").read_text(encoding="utf-8"))
