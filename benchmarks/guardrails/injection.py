"""False alarms and catches of the injection rail, with one data set left out of training at a time.

    SEPTET_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.guardrails.injection [--write]

For each data set, trains the model on the other sets and checks it on this set. Sets that never train are checked with
the model that is trained on all the others. The operating points for a set follow from the false-positive rates of the
other sets. ``--write`` replaces the model and its false-positive rates in the package. Takes about four minutes on one core.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from septet_guardrails.adapters.defender import DefenderClassifier
from septet_guardrails.adapters.weights import injection_model
from septet_guardrails.domain.injection.model import InjectionModel
from septet_guardrails.domain.policy import InjectionRule
from septet_guardrails.domain.score_memory import ScoreMemory

from benchmarks.guardrails.injection_sets import Case, cases
from benchmarks.guardrails.roc import cumulated, grouped, mean_share, roc, score_at, share
from benchmarks.guardrails.sets import save
from benchmarks.guardrails.train_injection import Example, examples, fit, write, write_curve

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Scores of the results."""


@dataclass
class Remembered:
    """The instruction classifier with its results: each text is judged once, whatever the number of models."""

    classify: DefenderClassifier = field(default_factory=DefenderClassifier)
    results: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, text: str) -> tuple[float, float]:
        if text not in self.results:
            self.results[text] = self.classify(text)
        return self.results[text]


def left_out_scores(
    found: list[Case], trained: list[tuple[Case, list[Example]]], shipped: InjectionModel
) -> dict[Case, float]:
    """Score each case with a model that was not trained on the case's set."""
    scores: dict[Case, float] = {}
    sources = sorted({case.source for case, _ in trained})
    for source in sources:
        others = [example for case, windows in trained if case.source != source for example in windows]
        model = fit(others, shipped.classify)
        scores |= {case: model.score(case.text)[0] for case in found if case.source == source}
    return scores | {case: shipped.score(case.text)[0] for case in found if case.source not in sources}


def table(scores: dict[Case, float]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the share of each group at or over each threshold: attacks as ``caught``, the others as ``false_alarms``."""
    groups: dict[tuple[bool, str], list[float]] = defaultdict(list)
    for case, score in scores.items():
        groups[case.attack, case.group].append(score)
    body: dict[str, dict[str, dict[str, float]]] = {"caught": {}, "false_alarms": {}}
    for (attack, group), found in sorted(groups.items()):
        shares = {
            f"at {threshold}": round(sum(score >= threshold for score in found) / len(found), 4)
            for threshold in THRESHOLDS
        }
        body["caught" if attack else "false_alarms"][group] = {"n": len(found), **shares}
    return body


def outcomes(scores: Mapping[Case, float], rule: InjectionRule) -> dict[str, dict[str, dict[str, float]]]:
    """Return the shares of each group that are blocked and contained, with the operating points of the other sets."""
    body: dict[str, dict[str, dict[str, float]]] = {"attacks": {}, "harmless": {}}
    groups: dict[tuple[bool, str, str], list[float]] = grouped(
        ((case.attack, case.group, case.source), score) for case, score in scores.items()
    )
    for (attack, group, source), found in sorted(groups.items()):
        others = {case: score for case, score in scores.items() if case.source != source}
        rates = cumulated(harmless(others))
        block, contain = score_at(rates, rule.block_at_fpr), score_at(rates, rule.contain_at_fpr)
        shares = {"blocked": share(found, block), "contained": share(found, contain, below=block)}
        body["attacks" if attack else "harmless"][group] = {
            "n": len(found),
            **{name: round(value, 4) for name, value in shares.items()},
        }
    return body


def harmless(scores: Mapping[Case, float]) -> dict[str, list[float]]:
    """Return the scores of the harmless texts by group."""
    return grouped((case.group, score) for case, score in scores.items() if not case.attack)


def operating_points(scores: Mapping[Case, float], rule: InjectionRule) -> dict[str, dict[str, float]]:
    """Return rates and scores of the default policy, and the mean shares of all groups of attacks."""
    rates, attacks = cumulated(harmless(scores)), attacks_of(scores)
    return {
        name: {
            "false_positive_rate": rate,
            "score": round(score_at(rates, rate), 4),
            "caught": round(mean_share(attacks, score_at(rates, rate)), 4),
        }
        for name, rate in (("block", rule.block_at_fpr), ("contain", rule.contain_at_fpr))
    }


def attacks_of(scores: Mapping[Case, float]) -> dict[str, list[float]]:
    """Return the scores of the attacks by group, without those that attack another system prompt."""
    return grouped(
        (case.group, score)
        for case, score in scores.items()
        if case.attack and "contextual" not in case.group
    )


def milliseconds(texts: list[str]) -> dict[str, float]:
    """Return the CPU time of the packaged model: median, mean of the slowest percent, and median of repeated texts."""
    score = ScoreMemory(injection_model().score)

    def spent(text: str) -> float:
        began = time.process_time()
        score(text)
        return (time.process_time() - began) * 1000

    times, repeated = sorted(map(spent, texts)), sorted(map(spent, texts))
    slowest = times[-max(1, len(times) // 100) :]
    return {
        "p50": round(times[len(times) // 2], 2),
        "slowest_percent": round(sum(slowest) / len(slowest), 2),
        "repeated_p50": round(repeated[len(repeated) // 2], 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the model in the package")
    options = parser.parse_args()
    classify, found = Remembered(), cases()
    trained = [(case, examples(case, classify)) for case in found if case.trains]
    everything = [example for _, windows in trained for example in windows]
    shipped = fit(everything, classify)
    scores = left_out_scores(found, trained, shipped)
    curve = roc(attacks_of(scores), harmless(scores))
    if options.write:
        write(shipped, everything)
        write_curve(shipped, curve, harmless(scores))
    rule = InjectionRule()
    body = {
        "operating_points": operating_points(scores, rule),
        "outcomes": outcomes(scores, rule),
        "roc": curve,
        **table(scores),
        "signals": shipped.weights._asdict(),
    }
    save("injection", {**body, "cpu_ms": milliseconds([case.text for case in found[::15]])})


if __name__ == "__main__":
    main()
