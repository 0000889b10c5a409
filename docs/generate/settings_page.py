"""Writes docs/reference/settings.md from the settings models: ``python docs/generate/settings_page.py``."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

PAGE = Path(__file__).parents[1] / "reference" / "settings.md"
CLASSES = {
    "Every service": "septet_kit.settings:KitSettings",
    "guardrails": "septet_guardrails.settings:GuardrailsSettings",
    "cache": "septet_cache.settings:CacheSettings",
    "retrieval": "septet_retrieval.settings:RetrievalSettings",
    "retrieval, with OpenSearch": "septet_retrieval.settings:OpenSearchSettings",
    "generation": "septet_generation.settings:GenerationSettings",
    "eval": "septet_eval.settings:EvalSettings",
    "feedback": "septet_feedback.settings:FeedbackSettings",
    "judge": "septet_judge.settings:JudgeSettings",
    "gateway": "septet_gateway.settings:GatewaySettings",
    "Migrations of PostgreSQL": "septet_kit.migrate:MigrateSettings",
    "The embedded and the native stack": "septet_native.stack.settings:StackSettings",
    "The septet command": "septet_cli.settings:CliSettings",
}
HEAD = """# Settings

Every setting is an environment variable with a default. Write durations as `00:00:30` or, in ISO 8601, as `PT30S`, and
lists and maps as JSON. A setting may also be a file in the folder `SEPTET_SECRETS_DIR`, named as its variable in lower
case. The embedded stack sets the addresses.

`python docs/generate/settings_page.py` writes this page; do not edit it.
"""
NOTES = {
    "kafka_bootstrap": "Kafka's address, `host:port`.",
    "postgres_dsn": "The database. Each service has its own schema in it.",
    "embeddings_url": "OpenAI-compatible endpoint, up to and with `/v1`.",
    "embeddings_model": "The model's name there.",
    "embeddings_api_key": "Its key.",
    "llm_url": "OpenAI-compatible endpoint, up to and with `/v1`.",
    "llm_model": "The model's name there.",
    "llm_api_key": "Its key.",
    "data_dir": "Directory of local files.",
    "health_host": "Address on which `/healthz`, `/readyz` and `/metrics` listen.",
    "log_level": "`DEBUG`, `INFO`, `WARNING` or `ERROR`.",
    "shutdown_grace": "Time that records in flight have to finish after SIGTERM.",
    "watchdog_timeout": "The process ends after this time with work and without progress.",
    "commit_interval": "Time between commits of offsets.",
    "session_timeout": "Kafka reassigns the partitions of a process that is silent for this long.",
}
MACHINE_DEPENDENT = {"SEPTET_THREADS": "cores, at most 4"}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    print(f"wrote {PAGE}")


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(line for title, path in CLASSES.items() for line in _section(title, path))])


def _section(title: str, path: str) -> Iterator[str]:
    module, name = path.split(":")
    settings: type[BaseSettings] = getattr(importlib.import_module(module), name)
    notes = _attribute_notes(settings.__doc__ or "")
    yield from (f"## {title}", "", "| variable | default | meaning |", "| --- | --- | --- |")
    for field, info in settings.model_fields.items():
        variable = f"{settings.model_config.get('env_prefix', '')}{field}".upper()
        default = MACHINE_DEPENDENT.get(variable) or _default(info)
        meaning = info.description or notes.get(field) or NOTES.get(field, "")
        yield f"| `{variable}` | {default} | {meaning.replace('|', chr(92) + '|')} |"
    yield ""


def _default(info: FieldInfo) -> str:
    value: Any = info.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`"
    if isinstance(value, timedelta):
        return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
    if isinstance(value, tuple | list | dict):
        return f"`{json.dumps(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _attribute_notes(docstring: str) -> dict[str, str]:
    """Meanings from a docstring's ``Attributes`` section; one entry may name several fields."""
    _, _, section = docstring.partition("Attributes:\n")
    entries = re.findall(r"^ {8}(\w[\w, ]*):\s+(.*(?:\n {12}.*)*)", section, re.MULTILINE)
    return {name: _sentence(" ".join(text.split())) for names, text in entries for name in names.split(", ")}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    main()
