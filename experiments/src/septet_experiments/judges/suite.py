"""The ``judge:`` section of a suite, and its metrics.

A metric reads recorded replies and makes no call, so that a run's values do not depend on when they are computed. A run
first records what is missing: ``record(pending(metrics, observed), endpoint, store)``. With ``--replay`` it does not,
and a missing reply is a counted error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field
from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite, NotApplicable, NotComputable
from septet_experiments.judges.calls import ChatCall
from septet_experiments.judges.cards import Bar, CardFolder, Standing, standing
from septet_experiments.judges.errors import SelfJudge
from septet_experiments.judges.identity import ModelIdentity, check_not_generator
from septet_experiments.judges.probing import Weighting, probe, weighting_of
from septet_experiments.judges.protocols import (
    HELPFUL,
    Groundedness,
    Item,
    JudgeModel,
    JudgeProtocol,
    Judgment,
    Pairwise,
    Reference,
    Rubric,
)
from septet_experiments.judges.store import JudgmentStore
from septet_experiments.metrics.reply import DECLINED

METRIC_NAMES = ("judge_rubric", "judge_pairwise", "judge_reference", "judge_groundedness")


class JudgeSection(BaseModel):
    """The section ``judge:`` of ``suite.yaml``. The endpoint's address and key are settings and no part of a suite.

    Attributes:
        weighting: ``auto`` asks the endpoint once whether it offers token probabilities.
        allow_self: whether the judge may judge its own answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    model_digest: str = ""
    temperature: float | None = 0.0
    max_tokens: int = Field(default=512, ge=16)
    weighting: Literal["auto", "logprobs", "samples"] = "auto"
    samples: int = Field(default=5, ge=1, le=50)
    criterion: str = HELPFUL
    low: int = Field(default=1, ge=0, le=8)
    high: int = Field(default=5, ge=1, le=9)
    bar: Bar = Bar()
    allow_self: bool = False

    @property
    def judge(self) -> JudgeModel:
        """The model that judges."""
        return JudgeModel(self.model, self.model_digest, self.temperature, self.max_tokens)

    def protocol(self, name: str, weighting: Weighting = "samples") -> JudgeProtocol:
        """The protocol of a metric (``judge_rubric``) or by its own name (``rubric``).

        Raises:
            InvalidSuite: the name is not known, or the scale is not one.
        """
        match name.removeprefix("judge_"):
            case "rubric":
                try:
                    return Rubric(self.judge, weighting, self.samples, self.criterion, self.low, self.high)
                except ValueError as error:
                    raise InvalidSuite(f"`judge`: {error}") from error
            case "pairwise":
                return Pairwise(self.judge, self.criterion)
            case "reference":
                return Reference(self.judge)
            case "groundedness":
                return Groundedness(self.judge)
        raise InvalidSuite(f"{name} is no metric of a judge", f"known: {', '.join(METRIC_NAMES)}")


class ObservedAnswer(Protocol):
    """A case with its response."""

    @property
    def case(self) -> Case: ...
    @property
    def response(self) -> Response: ...


@dataclass(frozen=True)
class JudgeMetric:
    """A metric whose values are judgments.

    Attributes:
        standing: a metric that does not decide may not be a gate's metric; reports show its values and the reasons.
        opponents: answer by case id that ``judge_pairwise`` compares with.
    """

    name: str
    protocol: JudgeProtocol
    store: JudgmentStore
    standing: Standing
    identity: ModelIdentity
    generator_url: str = ""
    allow_self: bool = False
    opponents: Mapping[str, str] = field(default_factory=dict)
    higher_is_better: bool = True
    binary: bool = False

    @property
    def signature(self) -> str:
        return self.protocol.signature

    @property
    def context(self) -> Literal["context-dependent", "context-free"]:
        """Context-dependent metrics read the sources of the response."""
        return "context-dependent" if self.protocol.name in ("rubric", "groundedness") else "context-free"

    def applies_to(self, case: Case) -> bool:
        """Whether the case states what the metric needs: `judge_reference` needs a reference answer."""
        return bool(case.references) or self.protocol.name != "reference"

    def value(self, observed: ObservedAnswer) -> float:
        """The value of a response, from recorded replies.

        Raises:
            NotComputable: there is no answer, a reply is missing or has no verdict, or the judge wrote the answer itself.
        """
        return self.judgment(observed).value

    def judgment(self, observed: ObservedAnswer) -> Judgment:
        """As :meth:`value`, with the judge's reasons."""
        item = self.item(observed)
        return self.protocol.conclude(item, [self.store.get(call) for call in self._calls(item)])

    def calls(self, observed: ObservedAnswer) -> tuple[ChatCall, ...]:
        """The calls that :meth:`value` needs; none if it cannot be computed."""
        try:
            return self._calls(self.item(observed))
        except NotComputable:
            return ()

    def item(self, observed: ObservedAnswer) -> Item:
        """What is judged.

        Raises:
            NotComputable: there is no answer, or the judge wrote it itself.
        """
        case, response = observed.case, observed.response
        if not response.answer:
            error = NotApplicable if response.status in DECLINED else NotComputable
            raise error("the response has no answer")
        generator = ModelIdentity(response.model or "", self.generator_url)
        try:
            check_not_generator(self.identity, generator, allowed=self.allow_self)
        except SelfJudge as error:
            raise NotComputable(str(error)) from error
        return Item(
            response.question or _question(case),
            response.answer,
            other=self.opponents.get(case.id),
            references=case.references,
            sources=tuple(source.passage for source in response.sources),
            language=response.language,
        )

    def _calls(self, item: Item) -> tuple[ChatCall, ...]:
        try:
            return self.protocol.calls(item)
        except ValueError as error:
            raise NotComputable(str(error)) from error


def judge_metrics(
    section: JudgeSection,
    names: Sequence[str],
    store: JudgmentStore,
    cards: CardFolder,
    *,
    judge_url: str = "",
    generator: ModelIdentity | None = None,
    opponents: Mapping[str, str] | None = None,
) -> list[JudgeMetric]:
    """The metrics of a suite's judge. With ``weighting: auto``, record :func:`required_probe` first.

    Raises:
        SelfJudge: the judge is the generator, and the section does not allow it.
        MissingJudgment: the reply to the probe is not recorded.
        InvalidSuite: a name is not known.
    """
    identity = ModelIdentity(section.model, judge_url, section.model_digest)
    if generator is not None:
        check_not_generator(identity, generator, allowed=section.allow_self)
    metrics = []
    for name in names:
        weighting: Weighting = "samples"
        if name == "judge_rubric":
            weighting = (
                section.weighting if section.weighting != "auto" else weighting_of(store, section.judge)
            )
        protocol = section.protocol(name, weighting)
        metrics.append(
            JudgeMetric(
                name,
                protocol,
                store,
                standing(cards.find(protocol.signature), section.bar),
                identity,
                generator.url if generator is not None else "",
                section.allow_self,
                opponents or {},
            )
        )
    return metrics


def required_probe(section: JudgeSection, names: Sequence[str]) -> tuple[ChatCall, ...]:
    """The calls to record before :func:`judge_metrics`."""
    return (probe(section.judge),) if section.weighting == "auto" and "judge_rubric" in names else ()


def pending(metrics: Iterable[JudgeMetric], observed: Iterable[ObservedAnswer]) -> list[ChatCall]:
    """The calls whose replies are not recorded."""
    answers = list(observed)
    return [
        call
        for metric in metrics
        for answer in answers
        for call in metric.calls(answer)
        if call not in metric.store
    ]


def _question(case: Case) -> str:
    if case.question is not None:
        return case.question
    return case.messages[-1].content if case.messages else ""
