"""The rails by name, as in the policy, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from septet_guardrails.domain.injection.model import InjectionModel
from septet_guardrails.domain.operating_points import RateCurve
from septet_guardrails.domain.rails.base import Answer, Question, Rail
from septet_guardrails.domain.rails.citations import CitationsRail
from septet_guardrails.domain.rails.echo import EchoRail
from septet_guardrails.domain.rails.format import FormatRail
from septet_guardrails.domain.rails.groundedness import GroundednessRail
from septet_guardrails.domain.rails.injection import InjectionRail
from septet_guardrails.domain.rails.language import LanguageRail
from septet_guardrails.domain.rails.leak import LeakRail
from septet_guardrails.domain.rails.length import LengthRail
from septet_guardrails.domain.rails.personal import NameFinder, PersonalDataRail
from septet_guardrails.domain.rails.small_talk import SmallTalkRail
from septet_guardrails.domain.rails.structure import StructureRail
from septet_guardrails.domain.rails.topic import TopicRail
from septet_guardrails.domain.rails.toxicity import AnswerToxicityRail, Classifier, QuestionToxicityRail

InputRails = Mapping[str, Rail[Question, Any]]
OutputRails = Mapping[str, Rail[Answer, Any]]

# Rails whose failure means low quality and no harm: a quotation may replace the answer.
QUALITY_RAILS = frozenset({"format", "groundedness", "citations"})


def _named(*rails: Any) -> Mapping[str, Any]:
    return MappingProxyType({rail.name: rail for rail in rails})


def input_rails(
    injection: InjectionModel, curve: RateCurve, names: NameFinder, classifier: Classifier
) -> InputRails:
    """Return the rails for questions. Masking runs after the rails that may block, which read the original text.

    Small talk runs last, so that a blocked question gets no reply.
    """
    safety = (InjectionRail(injection, curve), QuestionToxicityRail(classifier), PersonalDataRail(names))
    return _named(LengthRail(), LanguageRail(), TopicRail(), *safety, SmallTalkRail())


def output_rails(names: NameFinder, classifier: Classifier) -> OutputRails:
    """Return the rails for answers. Citations run last, so that dropped sentences get none."""
    safety = (AnswerToxicityRail(classifier), LeakRail(names), EchoRail())
    return _named(FormatRail(), StructureRail(), *safety, GroundednessRail(), CitationsRail())


__all__ = [
    "QUALITY_RAILS",
    "Answer",
    "InputRails",
    "OutputRails",
    "Question",
    "Rail",
    "input_rails",
    "output_rails",
]
