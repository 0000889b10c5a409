"""Policies: one rule per rail, with its action and threshold."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from septet_guardrails.domain.errors import InvalidPolicy
from septet_guardrails.domain.operating_points import LEAST_RATE, NEVER, OperatingPoints, RateCurve

# Increase this number when a rail changes its decisions, so that answers cached before are not served.
RAILS_REVISION = 9

# Key of the validation context.
_ENTAILMENT = "entailment"

Language = Literal["en", "ko"]
Action = Literal["block", "contain", "mask", "flag"]
GroundednessMethod = Literal["rules", "model", "both"]
Probability = Annotated[float, Field(ge=0, le=1)]


def _measured(rate: float) -> float:
    if 0 < rate < LEAST_RATE:
        raise ValueError(f"the lowest measured rate is {LEAST_RATE}; use it, or 0 to switch this off")
    return rate


Rate = Annotated[Probability, AfterValidator(_measured)]


class Rule(BaseModel):
    """Rule of a rail. ``flag`` records a finding and passes the text; ``contain`` passes it as quoted data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    CAN_CONTAIN: ClassVar[bool] = False

    enabled: bool = True
    action: Action = "block"

    @field_validator("action")
    @classmethod
    def _can_contain(cls, action: Action) -> Action:
        if action == "contain" and not cls.CAN_CONTAIN:
            raise ValueError("this rail cannot contain; use block, mask or flag")
        return action


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
    CAN_CONTAIN: ClassVar[bool] = True

    threshold: Probability | None = Field(
        default=None,
        description="Least score that is blocked, in place of `block_at_fpr`. Then nothing is contained by default.",
    )
    block_at_fpr: Rate = Field(
        default=0.005, description="Share of harmless texts that may be blocked; 0: block nothing."
    )
    contain_at_fpr: Rate = Field(
        default=0.03,
        description="Share of harmless texts that may be blocked or contained; 0: contain nothing.",
    )

    @model_validator(mode="before")
    @classmethod
    def _threshold_alone_contains_nothing(cls, body: Any) -> Any:
        if isinstance(body, dict) and body.get("threshold") is not None:
            return {"contain_at_fpr": 0.0} | body
        return body

    @model_validator(mode="after")
    def _has_one_scale(self) -> Self:
        given = self.model_fields_set
        if self.threshold is not None and "block_at_fpr" in given:
            raise ValueError("threshold and block_at_fpr both say what is blocked; remove one of them")
        if self.threshold is None and 0 < self.contain_at_fpr < self.block_at_fpr:
            raise ValueError(
                f"contain_at_fpr {self.contain_at_fpr} is less than block_at_fpr {self.block_at_fpr}; raise it, "
                "or set it to 0 to contain nothing"
            )
        return self

    def points(self, curve: RateCurve) -> OperatingPoints:
        """Return the scores that this rule acts on, for a rail with the rates of ``curve``."""
        block = curve.score_at(self.block_at_fpr) if self.threshold is None else self.threshold
        return OperatingPoints(block, curve.score_at(self.contain_at_fpr))


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

    @property
    def points(self) -> OperatingPoints:
        """The scores that this rule acts on."""
        return OperatingPoints(self.threshold)


class QuestionToxicityRule(ToxicityRule):
    CAN_CONTAIN: ClassVar[bool] = True

    contain_threshold: Probability | None = Field(
        default=None, description="Least score that is contained; by default nothing is."
    )

    @property
    def points(self) -> OperatingPoints:
        """The scores that this rule acts on."""
        return OperatingPoints(
            self.threshold, NEVER if self.contain_threshold is None else self.contain_threshold
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
    method: GroundednessMethod = Field(
        default="rules",
        description="`rules`, an entailment `model`, or `both`: then a sentence needs the support of rules and model.",
    )
    threshold: Probability = Field(
        default=0.5, description="A sentence with a lower probability is unsupported."
    )
    keep_share: Probability = Field(
        default=0.5, description="Unsupported sentences are dropped when this share of sentences remains."
    )
    max_sentences: int = Field(default=40, ge=1)


class EchoRule(Rule):
    """The draft repeats neither a sentence of the question nor a system message. Containment enables the rule."""

    enabled: bool = False


class CitationsRule(Rule):
    """Citations refer to existing passages, and an answer from passages cites. The rule has no options."""


class InputRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    length: LengthRule = LengthRule()
    language: LanguageRule = LanguageRule()
    topic: TopicRule = TopicRule()
    injection: InjectionRule = InjectionRule()
    pii: QuestionPiiRule = QuestionPiiRule()
    toxicity: QuestionToxicityRule = QuestionToxicityRule()
    small_talk: SmallTalkRule = SmallTalkRule()


class OutputRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: FormatRule = FormatRule()
    structure: StructureRule = StructureRule()
    toxicity: ToxicityRule = ToxicityRule()
    pii: PiiRule = PiiRule()
    echo: EchoRule = EchoRule()
    groundedness: GroundednessRule = GroundednessRule()
    citations: CitationsRule = CitationsRule()


class Containment(BaseModel):
    """How the draft of a contained question is checked, beside the rail ``echo``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groundedness: Probability = Field(
        default=0.6, description="Least threshold of the rail `groundedness` for contained questions."
    )


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


StreamMode = Literal["sentence", "whole", "off"]


class Policy(BaseModel):
    """A policy, as read from its YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    input: InputRules = InputRules()
    output: OutputRules = OutputRules()
    containment: Containment = Containment()
    correction: Correction = Correction()
    stream: StreamMode = Field(
        default="sentence",
        description="Release of streamed answers before their responses: by sentence, whole, or not at all.",
    )
    _entailment: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        """Take the version of the entailment model from the validation context."""
        self._entailment = (context or {}).get(_ENTAILMENT, "")

    @field_validator("stream", mode="before")
    @classmethod
    def _read_off(cls, mode: Any) -> Any:
        # YAML reads `off` as false.
        return "off" if mode is False else mode

    def output_rules(self, *, contained: bool) -> OutputRules:
        """Return the rules for a draft. Those for a contained question are stricter."""
        if not contained:
            return self.output
        least = max(self.output.groundedness.threshold, self.containment.groundedness)
        stricter = {
            "echo": self.output.echo.model_copy(update={"enabled": True}),
            "groundedness": self.output.groundedness.model_copy(update={"threshold": least}),
        }
        return self.output.model_copy(update=stricter)

    @property
    def judges_by_model(self) -> bool:
        """Whether the rail `groundedness` needs an entailment model."""
        return self.output.groundedness.enabled and self.output.groundedness.method != "rules"

    @property
    def version(self) -> str:
        """Digest of all rules including defaults: 12 hexadecimal digits. `stream` decides no answer.

        A policy whose answers an entailment model judges has another version for each version of the model.
        """
        body = f"{RAILS_REVISION}\n{self.model_dump_json(exclude={'about', 'stream'})}"
        if self.judges_by_model:
            body += f"\n{self._entailment}"
        return hashlib.sha256(body.encode()).hexdigest()[:12]


def parse_policy(text: str, origin: str, entailment: str = "") -> Policy:
    """Read a policy from YAML.

    Args:
        text: the file's text.
        origin: its name, for errors.
        entailment: version of the entailment model.

    Raises:
        InvalidPolicy: the text is not YAML, or a field is unknown or out of range.
    """
    try:
        body: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidPolicy(f"{origin}: not valid YAML: {error}") from error
    try:
        return Policy.model_validate({} if body is None else body, context={_ENTAILMENT: entailment})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidPolicy(
            f"{origin}: {field or 'file'}: {first['msg'].removeprefix('Value error, ')}"
        ) from error
