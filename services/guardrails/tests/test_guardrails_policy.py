"""Policies: valid files, search order and versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.domain.errors import InvalidPolicy, Rejected
from septet_guardrails.domain.policy import InputRules, Policy, parse_policy


def test_packaged_default_equals_the_defaults_of_the_rules() -> None:
    assert PolicyFiles.load().find("default", "default").version == Policy().version


def test_strict_policy_has_lower_thresholds_than_default() -> None:
    files = PolicyFiles.load()
    strict, default = files.find("default", "strict"), files.find("default", "default")
    assert strict.input.injection.block_at_fpr > default.input.injection.block_at_fpr
    assert strict.input.pii.action == "block"
    assert strict.version != default.version


def test_version_depends_on_the_rules_and_not_on_their_spelling() -> None:
    assert (
        parse_policy("about: other words\ninput: {length: {max_characters: 8000}}", "x").version
        == Policy().version
    )
    assert parse_policy("output: {groundedness: {threshold: 0.51}}", "x").version != Policy().version


@pytest.mark.parametrize("mode", ["sentence", "whole", "off", "'off'"])
def test_the_mode_of_streams_decides_no_answer(mode: str) -> None:
    """YAML reads `off` as false."""
    policy = parse_policy(f"stream: {mode}", "x")
    assert policy.stream == mode.strip("'")
    assert policy.version == Policy().version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input: {injektion: {}}", "x.yaml: input.injektion"),
        ("input: {injection: {threshold: 2}}", "x.yaml: input.injection.threshold"),
        ("input: {pii: {action: shred}}", "x.yaml: input.pii.action"),
        ("input: [", "x.yaml: not valid YAML"),
        ("just text", "x.yaml: file"),
        ("stream: on", "x.yaml: stream"),
    ],
)
def test_error_names_the_file_and_the_field(text: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match="^" + says.replace(".", r"\.")):
        parse_policy(text, "x.yaml")


def test_observe_policy_blocks_no_question() -> None:
    observe = PolicyFiles.load().find("default", "observe")
    rules = {name: getattr(observe.input, name) for name in InputRules.model_fields}
    assert [name for name, rule in rules.items() if rule.enabled and rule.action != "flag"] == []
    assert observe.output == PolicyFiles.load().find("default", "default").output


def test_tenant_policies_take_precedence_over_operator_policies_over_packaged_policies(
    tmp_path: Path,
) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "default.yaml").write_text("input: {length: {max_characters: 10}}")
    (tmp_path / "acme" / "default.yaml").write_text("input: {length: {max_characters: 20}}")
    (tmp_path / "acme" / "kids.yaml").write_text("")
    files = PolicyFiles.load(tmp_path)
    assert files.find("default", "default").input.length.max_characters == 10
    assert files.find("acme", "default").input.length.max_characters == 20
    assert files.find("acme", "strict").input.pii.action == "block"
    with pytest.raises(Rejected) as caught:
        files.find("default", "kids")
    assert (caught.value.code, caught.value.field) == ("unknown_policy", "policy")
    assert caught.value.fix == "name one of: default, observe, strict"


def test_missing_directory_raises(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match="no such directory"):
        PolicyFiles.load(tmp_path / "none")
