"""Each rail has a rule and a message, and the reference lists it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from septet_contracts import Draft
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.policy import InputRules, OutputRules, parse_policy
from septet_guardrails.domain.rails import QUALITY_RAILS, input_rails, output_rails
from septet_guardrails.domain.rails.base import Finding
from septet_guardrails.domain.replies import blocked, refusal
from septet_kit.testing import flow

ROOT = Path(__file__).parents[3]
NAMES, PROFANITY = PresidioNames(), ProfanityModel()
INPUT = list(input_rails(injection_model(), injection_curve(), NAMES, PROFANITY))
OUTPUT = list(output_rails(NAMES, PROFANITY))


def test_each_rail_has_a_rule_and_each_rule_a_rail() -> None:
    assert set(INPUT) == InputRules.model_fields.keys()
    assert set(OUTPUT) == OutputRules.model_fields.keys()
    assert set(OUTPUT) >= QUALITY_RAILS


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_rail_has_a_message_of_its_own(language: str) -> None:
    draft = flow(Draft, language=language, passages=())
    blocking = [name for name in INPUT if name != "small_talk"]
    assert len({blocked(name, language) for name in blocking}) == len(blocking)
    assert len({refusal(draft, {name: Finding("block")}) for name in OUTPUT}) == len(OUTPUT)


def test_reference_lists_the_rails_in_the_order_in_which_they_run() -> None:
    page = (ROOT / "docs" / "reference" / "rails.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (Input|Output):.*\n((?:(?!## ).*\n)*)", page, re.MULTILINE))
    rows = {side: re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) for side, text in sections.items()}
    assert rows == {"Input": INPUT, "Output": OUTPUT}


def test_policy_of_the_chaos_suite_disables_every_rail() -> None:
    text = (ROOT / "tests" / "chaos" / "policies" / "bare.yaml").read_text("utf-8")
    policy = parse_policy(text, "bare.yaml")
    rules = [getattr(policy.input, name) for name in INPUT] + [
        getattr(policy.output, name) for name in OUTPUT
    ]
    assert not any(rule.enabled for rule in rules)
