"""Personal data: recognisers with checksums, and masking by typed placeholders."""

from septet_guardrails.domain.pii.masking import Masker
from septet_guardrails.domain.pii.recognisers import ENTITIES, Span, find_pii

__all__ = ["ENTITIES", "Masker", "Span", "find_pii"]
