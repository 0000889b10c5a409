"""Calibrates a judge on labelled data, from recorded replies."""

from __future__ import annotations

from datetime import datetime

from septet_experiments.errors import ExperimentError
from septet_experiments.judges.calls import ChatCall, Reply, Usage
from septet_experiments.judges.cards import CalibrationCard
from septet_experiments.judges.errors import MissingJudgment, Unparsed
from septet_experiments.judges.labelled import LabelledAnswer, LabelledData, LabelledPair, PairLabel
from septet_experiments.judges.measures import PairVerdicts, measure_answers, measure_pairs
from septet_experiments.judges.parsing import Verdict, pair_verdict
from septet_experiments.judges.protocols import Item, JudgeProtocol, Pairwise, mirrored
from septet_experiments.judges.store import JudgmentStore

_LABELS: dict[Verdict, PairLabel] = {"A": "1", "B": "2", "tie": "tie"}


def calibration_calls(protocol: JudgeProtocol, data: LabelledData) -> list[ChatCall]:
    """All calls of a calibration.

    Raises:
        ExperimentError: the data has nothing that the protocol can judge.
    """
    calls = [call for item in _items(protocol, data) for call in protocol.calls(item)]
    if not calls:
        needed = "pairs of answers" if isinstance(protocol, Pairwise) else "answers that are good or bad"
        raise ExperimentError(
            f"the data holds nothing that the protocol {protocol.name} can judge", f"give labelled {needed}"
        )
    return calls


def calibrate(
    protocol: JudgeProtocol,
    data: LabelledData,
    data_name: str,
    store: JudgmentStore,
    now: datetime,
    seed: int = 1,
) -> CalibrationCard:
    """Measure a judge on labelled data, from the recorded replies of :func:`calibration_calls`.

    Raises:
        ExperimentError: replies are missing: a judge is measured on all of the data or not at all.
    """
    calls = calibration_calls(protocol, data)
    missing = sum(call not in store for call in calls)
    if missing:
        raise ExperimentError(
            f"{missing} of {len(calls)} replies are missing",
            "run the calibration again: it asks only for those",
        )
    model = calls[0].model
    pairs = answers = None
    if isinstance(protocol, Pairwise):
        pairs = measure_pairs([_verdicts(protocol, pair, store) for pair in data.pairs], model, seed)
    else:
        labelled = [answer for answer in data.answers if _can_judge(protocol, answer)]
        answers = measure_answers([(a, _value(protocol, a, store)) for a in labelled], model, seed)
    return CalibrationCard(
        judge=model,
        judge_digest=calls[0].model_digest,
        protocol=protocol.name,
        signature=protocol.signature,
        data=data_name,
        data_digest=data.digest,
        seed=seed,
        measured_at=now,
        pairs=pairs,
        answers=answers,
        usage=sum((store.get(call).usage for call in calls), Usage()),
    )


def _items(protocol: JudgeProtocol, data: LabelledData) -> list[Item]:
    if isinstance(protocol, Pairwise):
        return [pair.item for pair in data.pairs]
    return [answer.item for answer in data.answers if _can_judge(protocol, answer)]


def _can_judge(protocol: JudgeProtocol, answer: LabelledAnswer) -> bool:
    """Whether the answer has what the protocol needs: groundedness needs sources, a comparison needs a reference."""
    try:
        protocol.calls(answer.item)
    except ValueError:
        return False
    return True


def _verdicts(protocol: Pairwise, pair: LabelledPair, store: JudgmentStore) -> PairVerdicts:
    calls = protocol.calls(pair.item)
    if not calls:
        return PairVerdicts(pair, "tie", "tie")
    in_order, swapped = (_verdict(store.get(call)) for call in calls)
    return PairVerdicts(
        pair,
        None if in_order is None else _LABELS[in_order],
        None if swapped is None else _LABELS[mirrored(swapped)],
    )


def _verdict(reply: Reply) -> Verdict | None:
    try:
        return pair_verdict(reply.text)
    except Unparsed:
        return None


def _value(protocol: JudgeProtocol, answer: LabelledAnswer, store: JudgmentStore) -> float | None:
    try:
        return protocol.conclude(answer.item, [store.get(call) for call in protocol.calls(answer.item)]).value
    except MissingJudgment:
        raise
    except Unparsed:
        return None
