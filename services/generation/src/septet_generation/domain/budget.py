"""Token limits of answers: by language for prose, by schema for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from septet_generation.domain.catalogue import Model
from septet_generation.domain.schema_size import TooLarge, schema_size
from septet_generation.domain.tokens import ASCII_CHARACTERS_PER_TOKEN

JSON_CHARACTERS_PER_TOKEN = 2.5
"""Measured with the embedded model's tokenizer on public JSON instances (``benchmarks.generation.token_budget``)."""
INDENTATION = 1.2
"""Models may indent JSON; by two spaces it has 1.19 times the tokens (measured there, too)."""
MIN_JSON_TOKENS = 128


def answer_tokens(
    model: Model, language: str | None, schema: Mapping[str, Any] | None, *, revised: bool = False
) -> int:
    """Return the most tokens of an answer.

    An English answer has ``max_tokens``; other languages need more tokens for the same content. A JSON answer
    has the tokens that its schema needs, at most ``max_tokens_json``. A revision gets the whole limit, because
    the estimate may have cut the first draft.
    """
    factor = model.language_tokens.get(language or "", 1.0)
    if schema is None:
        return math.ceil(model.max_tokens * factor)
    if revised:
        return model.max_tokens_json
    return min(json_tokens(schema, factor), model.max_tokens_json)


def json_tokens(schema: Mapping[str, Any], factor: float) -> int:
    """Return the tokens of a JSON answer with free text in a language of ``factor``."""
    try:
        size = schema_size(schema)
    except (TooLarge, RecursionError):
        return 1_000_000
    tokens = size.fixed / JSON_CHARACTERS_PER_TOKEN + size.text / ASCII_CHARACTERS_PER_TOKEN * factor
    return max(math.ceil(tokens * INDENTATION), MIN_JSON_TOKENS)
