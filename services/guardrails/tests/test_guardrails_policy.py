"""Policies: what a file may say, where it is found, and when its version changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.domain.errors import InvalidPolicy, Rejected
from septet_guardrails.domain.policy import Policy, parse_policy


def test_packaged_default_says_what_the_code_says() -> None:
    assert PolicyFiles.load().find("default", "default").version == Policy().version


def test_strict_is_stricter() -> None:
    files = PolicyFiles.load()
    strict, default = files.find("default", "strict"), files.find("default", "default")
    assert strict.input.injection.threshold < default.input.injection.threshold
    assert strict.input.pii.action == "block"
    assert strict.version != default.version


def test_version_follows_what_is_decided_not_how_it_is_written() -> None:
    assert (
        parse_policy("about: other words\ninput: {length: {max_characters: 8000}}", "x").version
        == Policy().version
    )
    assert parse_policy("output: {groundedness: {threshold: 0.51}}", "x").version != Policy().version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("input: {injektion: {}}", "x.yaml: input.injektion"),
        ("input: {injection: {threshold: 2}}", "x.yaml: input.injection.threshold"),
        ("input: {pii: {action: shred}}", "x.yaml: input.pii.action"),
        ("input: [", "x.yaml: not valid YAML"),
        ("just text", "x.yaml: file"),
    ],
)
def test_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match="^" + says.replace(".", r"\.")):
        parse_policy(text, "x.yaml")


def test_observe_stops_no_question() -> None:
    observe = PolicyFiles.load().find("default", "observe")
    actions = (observe.input.length, observe.input.injection, observe.input.pii, observe.input.toxicity)
    assert {rule.action for rule in actions} == {"flag"}
    assert observe.output == PolicyFiles.load().find("default", "default").output


def test_own_folder_and_tenants_come_first(tmp_path: Path) -> None:
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


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match="no such folder"):
        PolicyFiles.load(tmp_path / "none")
