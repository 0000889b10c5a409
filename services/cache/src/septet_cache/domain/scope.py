"""Which questions may share answers: everything besides the question's words that shapes an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Self

from septet_contracts import Ask

from septet_cache.domain.normalise import digest, normal_form

_SLOT = re.compile(r"^([0-9a-f]{32})\.([0-9a-f]{32})$")


def scope_of(ask: Ask, policy_version: str, language: str | None = None) -> str:
    """Digest of policy and its version, model alias, language, output schema, retrieval wishes, history and key.

    Answers cross no scope: a new policy version, another model alias or another conversation starts
    with an empty cache. Languages have prompts of their own, whose versions must not revoke each other's answers.
    """
    scope = {
        "policy": [ask.policy, policy_version],
        "model": ask.model,
        "language": language,
        "output_schema": ask.output_schema,
        "retrieval": ask.retrieval.model_dump(),
        "generate": ask.generate,
        "history": [[m.role, normal_form(m.content)] for m in ask.history],
        "key": ask.cache.key,
    }
    return digest(json.dumps(scope, sort_keys=True, ensure_ascii=False))


@dataclass(frozen=True)
class Slot:
    """The place of one answer in a tenant's cache: its scope and its question's normal form.

    A miss carries its slot's name as ``CacheInfo.entry_id`` to the response, so that admission files
    the answer under the scope that the lookup had computed, with nothing written in between.
    """

    scope: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.scope}.{self.form}"

    @classmethod
    def parse(cls, name: str | None) -> Self | None:
        """Read a slot from its name; None when ``name`` is not one."""
        match = _SLOT.match(name or "")
        return cls(match[1], match[2]) if match else None


def slot_of(ask: Ask, policy_version: str, language: str | None = None) -> Slot:
    """A constrained key stands for the question: with one, the words do not matter."""
    words = f"key:{ask.cache.key}" if ask.cache.key is not None else normal_form(ask.query)
    return Slot(scope_of(ask, policy_version, language), digest(words))
