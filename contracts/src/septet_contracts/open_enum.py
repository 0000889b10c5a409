"""Open enumerations: strings with known values, to which later versions may add.

A reader accepts any value and has a defined behaviour for unknown ones. The JSON Schema lists the known values under
``x-extensible-enum``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, StringConstraints
from pydantic_core import CoreSchema

from septet_contracts._alternatives import EXTENSIBLE


@dataclass(frozen=True)
class OpenEnum:
    """Annotation that lists the known values of a string in its JSON Schema."""

    values: tuple[str, ...]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), EXTENSIBLE: list(self.values)}


STATUSES = ("answered", "abstained", "refused", "blocked", "failed", "expired")
RELEASED_STATUSES = (*STATUSES, "cancelled")
DECISIONS = ("pass", "flag", "mask", "fix", "reask", "block")
CACHE_STATUSES = ("hit_exact", "hit_key", "hit_semantic", "miss", "bypass", "refresh", "disabled")
ANSWER_KINDS = ("generated", "extractive", "cached", "none")
SPAN_KINDS = ("quoted", "supporting")

_LENGTH = StringConstraints(min_length=1, max_length=64)

OutcomeStatus = Annotated[str, _LENGTH, OpenEnum(STATUSES)]
"""What the stages decided. Readers of the first version accept no other values."""
Status = Annotated[str, _LENGTH, OpenEnum(RELEASED_STATUSES)]
"""How a request ended. A reader treats an unknown status like ``failed``: it neither caches nor scores the answer."""
Decision = Annotated[str, _LENGTH, OpenEnum(DECISIONS)]
"""A guardrail's decision. A reader treats an unknown decision like ``block``."""
CacheStatus = Annotated[str, _LENGTH, OpenEnum(CACHE_STATUSES)]
"""How the cache took part. A reader treats an unknown status like ``bypass``: the answer is not cached."""
AnswerKind = Annotated[str, _LENGTH, OpenEnum(ANSWER_KINDS)]
"""Where an answer came from. A reader shows an answer of an unknown kind and does not cache it."""
SpanKind = Annotated[str, _LENGTH, OpenEnum(SPAN_KINDS)]
"""How a cited span was found. A reader may mark a span of an unknown kind."""
