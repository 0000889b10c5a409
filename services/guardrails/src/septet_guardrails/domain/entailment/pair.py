"""A claim and the passage that should support it, as an entailment model reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from septet_contracts import Passage
from septet_kit.text import is_korean

from septet_guardrails.domain.grounding.claims import CITATION
from septet_guardrails.domain.text import words

_MAX_PREMISE = 8_000
_MAX_CLAIM = 2_000
_MAX_TITLE = 1_000
# A claim with fewer words ("In 1994.") says something only together with its question.
_FEW = 3
_MAX_QUESTION = 500


@dataclass(frozen=True)
class Pair:
    """A claim and the passage that should support it."""

    premise: str
    claim: str

    @cached_property
    def language(self) -> Literal["en", "ko"]:
        """Language of the claim, which selects the prompt and the threshold."""
        return "ko" if is_korean(self.claim) else "en"

    @property
    def is_readable(self) -> bool:
        """Whether both texts are short enough for a model. A shortened passage could lack the support."""
        return len(self.premise) <= _MAX_PREMISE and len(self.claim) <= _MAX_CLAIM


def premise_of(passage: Passage) -> str:
    """Return the text of a passage below its title."""
    title = f"{passage.title} {passage.location}".strip()[:_MAX_TITLE]
    return f"{title}\n{passage.text}" if title else passage.text


def claim_of(sentence: str, question: str) -> str:
    """Return a sentence without citations; a short one with its question before it."""
    claim = CITATION.sub("", sentence).strip()
    if len(words(claim)) >= _FEW:
        return claim
    return f"{' '.join(question[:_MAX_QUESTION].split())} {claim}".strip()
