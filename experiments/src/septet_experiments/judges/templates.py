"""Versioned prompts of judges: Jinja templates in English and Korean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from septet_experiments.judges.quoting import quoted

LANGUAGES = ("en", "ko")
NAMES = ("groundedness", "pairwise", "reference", "rubric", "rubric_reason")
VERSION = 1

_SEPARATOR = "\n=== user ===\n"


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt. ``id`` is its name, language and version, such as ``pairwise.ko@1``."""

    id: str
    system: str
    user: str


def render(name: str, language: str | None, texts: Mapping[str, str], **values: Any) -> Prompt:
    """Render a prompt.

    Args:
        name: one of :data:`NAMES`.
        language: language of the judged texts; other languages than Korean use the English prompt.
        texts: texts that are quoted as data.
        values: other values of the template.
    """
    known = "ko" if language is not None and language.split("-")[0] == "ko" else "en"
    system, user = _source(name, known).split(_SEPARATOR)
    # Chat messages are not HTML, so nothing is escaped; `quoted` separates texts from instructions.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    context = values | quoted(texts)
    return Prompt(
        f"{name}.{known}@{VERSION}",
        environment.from_string(system).render(context).strip(),
        environment.from_string(user).render(context).strip(),
    )


@cache
def digest_of_prompt(name: str) -> str:
    """First 12 hexadecimal digits of the SHA-256 of a prompt in all its languages."""
    body = "\x1f".join(_source(name, language) for language in LANGUAGES)
    return hashlib.sha256(body.encode()).hexdigest()[:12]


@cache
def _source(name: str, language: str) -> str:
    folder = resources.files("septet_experiments.judges") / "prompts"
    return (folder / f"{name}.{language}.v{VERSION}.jinja").read_text(encoding="utf-8")
