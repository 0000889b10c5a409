"""Personal data: recognisers with checksums, and masking with typed placeholders."""

from septet_guardrails.domain.pii.finder import ENTITIES, find_pii, open_end
from septet_guardrails.domain.pii.masking import Masker
from septet_guardrails.domain.pii.recogniser import Span

__all__ = ["ENTITIES", "Masker", "Span", "find_pii", "open_end"]
