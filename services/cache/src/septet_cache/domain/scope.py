"""Scopes and slots: which questions may share an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Self

from septet_contracts import Ask

from septet_cache.domain.normalise import digest, normal_form

_SLOT = re.compile(r"^([0-9a-f]{32})\.([0-9a-f]{32})$")


def scope_of(ask: Ask, policy_version: str, language: str | None = None) -> str:
    """Return the digest of :func:`scope_parts`. Answers are never shared between scopes."""
    parts = scope_parts(ask, policy_version, language)
    return digest(json.dumps(parts, sort_keys=True, ensure_ascii=False))


def scope_parts(ask: Ask, policy_version: str, language: str | None = None) -> dict[str, Any]:
    """Return everything besides the question that an answer depends on.

    That is the policy with its version, model alias, language, output schema, retrieval options, history and key.
    The language is included because each language has its own prompts, and a new prompt version revokes the answers
    of its scope.
    """
    return {
        "policy": [ask.policy, policy_version],
        "model": ask.model,
        "language": language,
        "output_schema": ask.output_schema,
        "retrieval": ask.retrieval.model_dump(),
        "generate": ask.generate,
        "history": [[m.role, normal_form(m.content)] for m in ask.history],
        "key": ask.cache.key,
    }


@dataclass(frozen=True)
class Slot:
    """Key of an answer in a tenant's cache: the scope, and a digest of the question's normal form.

    A miss carries the slot's name as ``CacheInfo.entry_id`` to the response, and admission stores the answer in that
    slot. No state is written in between.
    """

    scope: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.scope}.{self.form}"

    @classmethod
    def parse(cls, name: str | None) -> Self | None:
        """Parse a slot's name; None if ``name`` is not valid."""
        match = _SLOT.match(name or "")
        return cls(match[1], match[2]) if match else None


def slot_of(ask: Ask, policy_version: str, language: str | None = None) -> Slot:
    """Return the question's slot. If the client sets a key, the key replaces the question."""
    words = f"key:{ask.cache.key}" if ask.cache.key is not None else normal_form(ask.query)
    return Slot(scope_of(ask, policy_version, language), digest(words))
