"""How good a judge is, from its verdicts on labelled data. No model is needed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from septet_experiments.judges.estimates import Estimate, kappa, mean, share
from septet_experiments.judges.labelled import LabelledAnswer, LabelledPair, PairLabel


@dataclass(frozen=True)
class PairVerdicts:
    """A judge's verdicts on one pair: with the answers in order and exchanged, both in terms of the original order.

    None is a reply without a verdict.
    """

    pair: LabelledPair
    in_order: PairLabel | None
    swapped: PairLabel | None

    @property
    def consistent(self) -> bool:
        """Whether both orders have the same verdict."""
        return self.in_order is not None and self.in_order == self.swapped


class PairMeasures(BaseModel):
    """Quality of a pairwise judge. A measure without observations is None.

    Attributes:
        pairs: pairs of the data.
        unparsed: replies without a verdict, of two per pair.
        accuracy_in_order, accuracy_swapped: share of pairs whose verdict is the label. A reply without a verdict is not right.
        consistency: share of pairs with the same verdict in both orders.
        accuracy_consistent: share of right verdicts among the consistent pairs.
        kappa: agreement beyond chance of label and verdict, among the consistent pairs.
        kappa_all: the same over all pairs with two verdicts, where a disagreement of the orders is the verdict ``tie``.
        first_position: share of verdicts for the answer that the prompt shows first, ties left out. 0.5 is no bias.
        length_bias: how much more often the judge prefers the longer answer than the labels do. 0 is no bias.
        self_bias: the same for answers that the judge's own model wrote, in pairs with one such answer.
    """

    model_config = ConfigDict(frozen=True)

    pairs: int
    unparsed: int
    accuracy_in_order: Estimate | None = None
    accuracy_swapped: Estimate | None = None
    consistency: Estimate | None = None
    accuracy_consistent: Estimate | None = None
    kappa: Estimate | None = None
    kappa_all: Estimate | None = None
    first_position: Estimate | None = None
    length_bias: Estimate | None = None
    self_bias: Estimate | None = None


class AnswerMeasures(BaseModel):
    """Quality of a judge of single answers: a value of at least 0.5 is the verdict *good*.

    Attributes:
        unparsed: answers without a value. They count neither as right nor as wrong.
        length_bias: how much more often the judge finds a longer answer (than the median) good than the labels do.
    """

    model_config = ConfigDict(frozen=True)

    answers: int
    unparsed: int
    accuracy: Estimate | None = None
    kappa: Estimate | None = None
    length_bias: Estimate | None = None
    self_bias: Estimate | None = None


def measure_pairs(verdicts: Sequence[PairVerdicts], judge_model: str = "", seed: int = 1) -> PairMeasures:
    """Measure a pairwise judge. ``judge_model`` is its name among the models that wrote the answers."""
    consistent = [v for v in verdicts if v.consistent]
    complete = [v for v in verdicts if v.in_order is not None and v.swapped is not None]
    return PairMeasures(
        pairs=len(verdicts),
        unparsed=sum((v.in_order is None) + (v.swapped is None) for v in verdicts),
        accuracy_in_order=share([v.in_order == v.pair.label for v in verdicts]),
        accuracy_swapped=share([v.swapped == v.pair.label for v in verdicts]),
        consistency=share([v.consistent for v in verdicts]),
        accuracy_consistent=share([v.in_order == v.pair.label for v in consistent]),
        kappa=kappa([(v.pair.label, str(v.in_order)) for v in consistent], seed),
        kappa_all=kappa([(v.pair.label, str(v.in_order) if v.consistent else "tie") for v in complete], seed),
        first_position=_first_position(verdicts, seed),
        length_bias=_preference(verdicts, [_longer(v.pair) for v in verdicts], seed),
        self_bias=_preference(verdicts, [_own(v.pair, judge_model) for v in verdicts], seed),
    )


def measure_answers(
    values: Sequence[tuple[LabelledAnswer, float | None]], judge_model: str = "", seed: int = 1
) -> AnswerMeasures:
    """Measure a judge of single answers by its values, 0 to 1; None is a reply without a value."""
    parsed = [(a, v >= 0.5) for a, v in values if v is not None]
    lengths = sorted(len(a.item.answer) for a, _ in parsed)
    median = lengths[len(lengths) // 2] if lengths else 0
    longer = [(good, a.good) for a, good in parsed if len(a.item.answer) > median]
    own = [(good, a.good) for a, good in parsed if judge_model and a.model == judge_model]
    return AnswerMeasures(
        answers=len(values),
        unparsed=len(values) - len(parsed),
        accuracy=share([good == a.good for a, good in parsed]),
        kappa=kappa([(str(a.good), str(good)) for a, good in parsed], seed),
        length_bias=mean([float(judged) - float(label) for judged, label in longer], seed),
        self_bias=mean([float(judged) - float(label) for judged, label in own], seed),
    )


def _first_position(verdicts: Sequence[PairVerdicts], seed: int) -> Estimate | None:
    """Averaged within a pair first: its two verdicts are not independent."""
    shares = []
    for v in verdicts:
        chosen = [
            float(verdict == first)
            for verdict, first in ((v.in_order, "1"), (v.swapped, "2"))
            if verdict not in (None, "tie")
        ]
        if chosen:
            shares.append(sum(chosen) / len(chosen))
    return mean(shares, seed)


def _preference(
    verdicts: Sequence[PairVerdicts], favoured: Sequence[PairLabel | None], seed: int
) -> Estimate | None:
    """How much more often the verdicts choose the favoured answer than the labels do. A tie is half a choice."""
    differences = []
    for v, answer in zip(verdicts, favoured, strict=True):
        chosen = [_choice(verdict, answer) for verdict in (v.in_order, v.swapped) if verdict is not None]
        if answer is not None and chosen:
            differences.append(sum(chosen) / len(chosen) - _choice(v.pair.label, answer))
    return mean(differences, seed)


def _choice(verdict: PairLabel, answer: PairLabel | None) -> float:
    return 0.5 if verdict == "tie" else float(verdict == answer)


def _longer(pair: LabelledPair) -> PairLabel | None:
    first, second = map(len, pair.outputs)
    return None if first == second else ("1" if first > second else "2")


def _own(pair: LabelledPair, judge_model: str) -> PairLabel | None:
    own = [model == judge_model for model in pair.models]
    if not judge_model or own[0] == own[1]:
        return None
    return "1" if own[0] else "2"
