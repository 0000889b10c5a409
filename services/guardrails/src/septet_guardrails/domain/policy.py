"""Policies: one rule per rail, with its action and threshold."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from septet_guardrails.domain.errors import InvalidPolicy

# Increase this number when a rail changes its decisions, so that answers cached before are not served.
RAILS_REVISION = 3

Language = Literal["en", "ko"]
Action = Literal["block", "mask", "flag"]
Probability = Annotated[float, Field(ge=0, le=1)]


class Rule(BaseModel):
    """Rule of a rail. ``flag`` records a finding and passes the text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    action: Action = "block"


class LengthRule(Rule):
    max_characters: int = Field(default=8_000, ge=1, description="Most characters of the question.")
    max_history: int = Field(
        default=64_000, ge=0, description="Most characters of the earlier messages, in total."
    )


class LanguageRule(Rule):
    action: Action = "flag"
    allowed: tuple[str, ...] = Field(default=(), description="ISO 639-1 codes; empty: every language.")
    threshold: Probability = Field(default=0.5, description="Least confidence at which the rail acts.")


class TopicRule(Rule):
    enabled: bool = False
    denied: tuple[str, ...] = Field(
        default=(), description="Words or phrases that a question may not contain."
    )


class InjectionRule(Rule):
    threshold: Probability = 0.8


class PiiRule(Rule):
    action: Action = "mask"
    entities: tuple[str, ...] = Field(default=(), description="Entities to look for; empty: all.")
    names: bool = Field(
        default=False, description="Also find people and places with a named-entity model (about 50 ms)."
    )


class QuestionPiiRule(PiiRule):
    restore: bool = Field(
        default=False, description="Put the user's own values back into the answer; needs `action: mask`."
    )

    @model_validator(mode="after")
    def _has_masked_values(self) -> Self:
        if self.restore and self.action != "mask":
            raise ValueError("`restore` needs `action: mask`")
        return self


class ToxicityRule(Rule):
    threshold: Probability = 0.9
    classifier: bool = Field(
        default=False,
        description="Also use a profanity classifier, which also counts swearing that is aimed at nobody.",
    )


class SmallTalkRule(Rule):
    """Greetings, thanks and questions about the assistant get a reply from a template."""

    corpus: dict[Language, str] = Field(
        default={},
        description="What the documents are, by language, as the replies name them. It replaces the default: "
        '"the documents that I can search" and "등록된 문서".',
    )


class FormatRule(Rule):
    max_characters: int = Field(default=16_000, ge=1)


class StructureRule(Rule):
    """The answer is valid under the request's ``output_schema``. The rule has no options."""


class GroundednessRule(Rule):
    threshold: Probability = Field(
        default=0.5, description="A sentence with a lower probability is unsupported."
    )
    keep_share: Probability = Field(
        default=0.5, description="Unsupported sentences are dropped when this share of sentences remains."
    )
    max_sentences: int = Field(default=40, ge=1)


class CitationsRule(Rule):
    """Citations refer to existing passages, and an answer from passages cites. The rule has no options."""


class InputRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    length: LengthRule = LengthRule()
    language: LanguageRule = LanguageRule()
    topic: TopicRule = TopicRule()
    injection: InjectionRule = InjectionRule()
    pii: QuestionPiiRule = QuestionPiiRule()
    toxicity: ToxicityRule = ToxicityRule()
    small_talk: SmallTalkRule = SmallTalkRule()


class OutputRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: FormatRule = FormatRule()
    structure: StructureRule = StructureRule()
    toxicity: ToxicityRule = ToxicityRule()
    pii: PiiRule = PiiRule()
    groundedness: GroundednessRule = GroundednessRule()
    citations: CitationsRule = CitationsRule()


class Correction(BaseModel):
    """How a draft that fails a rail is corrected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: int = Field(
        default=2, ge=1, le=5, description="Most drafts of a request; 1: never ask the model again."
    )
    reask_needs: timedelta = Field(
        default=timedelta(seconds=10), description="Time that must remain before the deadline to ask again."
    )
    extractive: bool = Field(default=True, description="Fall back to a quoted sentence of a passage.")


class Policy(BaseModel):
    """A policy, as read from its YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    input: InputRules = InputRules()
    output: OutputRules = OutputRules()
    correction: Correction = Correction()

    @property
    def version(self) -> str:
        """Digest of all rules including defaults: 12 hexadecimal digits."""
        body = f"{RAILS_REVISION}\n{self.model_dump_json(exclude={'about'})}"
        return hashlib.sha256(body.encode()).hexdigest()[:12]


def parse_policy(text: str, origin: str) -> Policy:
    """Read a policy from YAML.

    Raises:
        InvalidPolicy: the text is not YAML, or a field is unknown or out of range.
    """
    try:
        body: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidPolicy(f"{origin}: not valid YAML: {error}") from error
    try:
        return Policy.model_validate({} if body is None else body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidPolicy(f"{origin}: {field or 'file'}: {first['msg']}") from error
