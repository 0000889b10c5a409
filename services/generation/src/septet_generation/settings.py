"""Settings of generation. Each field is an environment variable: ``SEPTET_GENERATION_`` + its name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict
from septet_kit import KitSettings, Permanent
from septet_kit.settings import FileSettings

from septet_generation.domain.catalogue import DEFAULT, EMBEDDED, EMBEDDED_LIMITS, Catalogue, Model


class GenerationSettings(FileSettings):
    """Models, prompts and limits.

    ``models`` maps an alias to the fields of :class:`septet_generation.domain.catalogue.Model`. The YAML file
    ``models_file`` may hold the same mapping; ``models`` overrides it by alias. ``url``, ``api_key`` and
    ``model`` default to SEPTET_LLM_URL, SEPTET_LLM_API_KEY and SEPTET_LLM_MODEL. The alias ``default`` always
    exists. The embedded model has smaller default limits than other models.
    """

    model_config = SettingsConfigDict(env_prefix="SEPTET_GENERATION_", extra="ignore")

    models: dict[str, dict[str, Any]] = Field(default={}, description="Model fields by alias, as JSON.")
    models_file: Path | None = Field(default=None, description="YAML mapping: alias to model fields.")
    prompts_dir: Path | None = Field(
        default=None, description="Folder of templates; default: the packaged ones."
    )
    budget: timedelta = Field(default=timedelta(seconds=120), description="Time limit of one draft.")
    margin: timedelta = Field(
        default=timedelta(milliseconds=500),
        description="Time before the deadline that is left for rails and the response.",
    )
    connect_timeout: timedelta = timedelta(seconds=3)
    concurrency: int = Field(default=16, ge=1, description="Concurrent drafts of one process.")
    stream_interval: timedelta = Field(
        default=timedelta(milliseconds=100),
        description="Least time between two checks of a streamed draft. The first sentence is checked at once.",
    )
    keep_epochs: timedelta = Field(
        default=timedelta(days=1), description="How long epochs of streamed requests are kept."
    )

    def catalogue(self, kit: KitSettings) -> Catalogue:
        """Return the models by alias.

        Raises:
            Permanent: the file or a model's fields are invalid (code ``invalid_models``).
        """
        wanted = {DEFAULT: {}, **self._from_file(), **self.models}
        return Catalogue({alias: self._model(alias, fields, kit) for alias, fields in wanted.items()})

    def _from_file(self) -> Mapping[str, dict[str, Any]]:
        if self.models_file is None:
            return {}
        try:
            body = yaml.safe_load(self.models_file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise _invalid(f"{self.models_file}: {error}") from error
        if not isinstance(body, dict) or not all(isinstance(v, dict) for v in body.values()):
            raise _invalid(f"{self.models_file}: expected a mapping of aliases to fields")
        return body

    def _model(self, alias: str, fields: Mapping[str, Any], kit: KitSettings) -> Model:
        defaults: dict[str, Any] = {"model": kit.llm_model, "url": kit.llm_url}
        if fields.get("model", kit.llm_model) == EMBEDDED:
            defaults |= EMBEDDED_LIMITS
        if "url" not in fields:
            defaults["api_key"] = SecretStr(kit.llm_api_key.get_secret_value())
        try:
            return Model.model_validate(defaults | dict(fields))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(p) for p in first["loc"])
            raise _invalid(f"model {alias!r}: {where}: {first['msg']}") from None


def _invalid(message: str) -> Permanent:
    fix = "correct SEPTET_GENERATION_MODELS or SEPTET_GENERATION_MODELS_FILE"
    return Permanent("invalid_models", message, field="models", fix=fix)
