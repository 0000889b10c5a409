"""Trained weights that ship in the package."""

from __future__ import annotations

import json
from importlib.resources import files

from septet_guardrails.adapters.defender import DefenderClassifier
from septet_guardrails.domain.injection.linear import LinearHead
from septet_guardrails.domain.injection.model import InjectionModel, Signals


def injection_model() -> InjectionModel:
    """Load the injection model that ``benchmarks/guardrails/train_injection.py`` trains."""
    body = json.loads((files("septet_guardrails") / "weights" / "injection.json").read_text(encoding="utf-8"))
    return InjectionModel(LinearHead.loads(body), Signals(**body["signals"]), DefenderClassifier())
