"""Prompt templates: Jinja2 files named ``<name>@<version>.<language>.j2``.

A file has the blocks ``system`` and ``user``. Worked examples may stand between them, in the blocks
``example1_user``, ``example1_assistant`` and so on. Examples are the same for every request, so a server that
caches prompt prefixes (llama.cpp, vLLM) processes them once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from septet_kit.errors import Permanent

from septet_generation.domain.chat import ChatMessage, Role
from septet_generation.domain.prompt import Parts, Prompt
from septet_generation.domain.quoting import as_data

_FILE = re.compile(r"^(?P<name>[a-z]+)@(?P<version>\d+)\.(?P<language>[a-z]{2})\.j2$")
_EXAMPLE = re.compile(r"^example\d_user$")
FALLBACK_LANGUAGE = "en"
REQUIRED = ("answer", "revise")


@dataclass(frozen=True)
class _Variant:
    template: Template
    version: str

    @property
    def examples(self) -> list[str]:
        """Names of the worked examples, in order."""
        return sorted(b.removesuffix("_user") for b in self.template.blocks if _EXAMPLE.match(b))


class Templates:
    """The latest version of each template, by name and language."""

    def __init__(self, variants: Mapping[tuple[str, str], _Variant]) -> None:
        self._variants = variants

    @classmethod
    def load(cls, folder: Path | None = None) -> Templates:
        """Load the templates of ``folder``, or the packaged ones if it is ``None``.

        Raises:
            Permanent: a required template is missing (code ``missing_prompt``).
        """
        source: Traversable = folder or files("septet_generation") / "prompts"
        variants = _latest(source.iterdir())
        for name in REQUIRED:
            if (name, FALLBACK_LANGUAGE) not in variants:
                message = f"{source}: {name}@<version>.{FALLBACK_LANGUAGE}.j2 is missing"
                fix = "add the file, or unset SEPTET_GENERATION_PROMPTS_DIR"
                raise Permanent("missing_prompt", message, fix=fix)
        return cls(variants)

    def render(self, name: str, language: str, parts: Parts) -> Prompt:
        """Render a template. A language without a variant uses the English one.

        The prompt's version is ``name@version:sha8``; ``sha8`` is the start of the SHA-256 of the variant's text.
        """
        variant = self._variants.get((name, language)) or self._variants[name, FALLBACK_LANGUAGE]
        context = variant.template.new_context({f.name: getattr(parts, f.name) for f in fields(parts)})
        blocks = variant.template.blocks

        def message(block: str, role: Role) -> ChatMessage:
            return ChatMessage(role, "".join(blocks[block](context)).strip())

        opening = [message("system", "system")]
        if parts.passages and not parts.as_json:
            for example in variant.examples:
                opening += (message(f"{example}_user", "user"), message(f"{example}_assistant", "assistant"))
        return Prompt(tuple(opening), message("user", "user"), variant.version)


def _latest(entries: Iterable[Traversable]) -> dict[tuple[str, str], _Variant]:
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the output is not HTML
    )
    environment.filters["data"] = as_data
    newest: dict[tuple[str, str], tuple[int, _Variant]] = {}
    for entry in entries:
        match = _FILE.match(entry.name)
        if match is None:
            continue
        name, number, language = match["name"], int(match["version"]), match["language"]
        if number > newest.get((name, language), (0,))[0]:
            text = entry.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            variant = _Variant(environment.from_string(text), f"{name}@{number}:{digest}")
            newest[name, language] = (number, variant)
    return {key: variant for key, (_, variant) in newest.items()}
