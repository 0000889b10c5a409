from __future__ import annotations

from pathlib import Path

import pytest
from septet_generation.app import SPEC
from septet_generation.settings import GenerationSettings
from septet_kit import KitSettings, Permanent

KIT = KitSettings(llm_url="http://llm/v1", llm_model="septet-small")


def test_the_default_alias_is_the_model_of_the_kits_settings() -> None:
    model = GenerationSettings().catalogue(KIT).chain("default")[0]
    assert (model.model, model.url) == ("septet-small", "http://llm/v1")


def test_only_the_embedded_model_has_small_limits() -> None:
    small = GenerationSettings().catalogue(KIT).chain("default")[0]
    other = GenerationSettings().catalogue(KIT.model_copy(update={"llm_model": "gpt"})).chain("default")[0]
    assert small.prompt_tokens <= 400 < other.prompt_tokens
    assert small.passages < other.passages


def test_models_from_the_environment_override_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("large: {model: l, url: http://l/v1}\nfast: {model: f, fallbacks: [large]}\n")
    monkeypatch.setenv("SEPTET_GENERATION_MODELS_FILE", str(file))
    monkeypatch.setenv("SEPTET_GENERATION_MODELS", '{"large": {"model": "l2", "timeout": 5}}')
    catalogue = GenerationSettings().catalogue(KIT)
    assert catalogue.chain("large")[0].model == "l2"
    assert [m.model for m in catalogue.chain("fast")] == ["f", "l2"]


def test_the_kits_key_is_sent_only_to_the_kits_url() -> None:
    kit = KitSettings(llm_url="http://llm/v1", llm_api_key="sk-secret")  # type: ignore[arg-type]
    models = {"near": {"model": "n"}, "far": {"model": "f", "url": "http://far/v1"}}
    catalogue = GenerationSettings(models=models).catalogue(kit)
    assert catalogue.chain("near")[0].api_key.get_secret_value() == "sk-secret"
    assert catalogue.chain("far")[0].api_key.get_secret_value() != "sk-secret"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("large: {modle: l}", "modle"),
        ("large: {model: l, max_tokens: 0}", "max_tokens"),
        ("[1, 2]", "expected a mapping"),
        ("a: b: c", "models.yaml"),
    ],
)
def test_an_invalid_file_raises_with_the_field(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(text)
    with pytest.raises(Permanent, match=message) as raised:
        GenerationSettings(models_file=file).catalogue(KIT)
    assert raised.value.code == "invalid_models"


def test_spec() -> None:
    assert SPEC.name == "generation"
    assert SPEC.consumes == ("grounded", "revisions")
    assert SPEC.follows == ("cancellations",)
    assert SPEC.produces == ("drafts", "tokens")
