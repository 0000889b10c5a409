"""False alarms and catches of the injection rail, with one data set left out of training at a time.

    SEPTET_DATA=… python -m benchmarks.guardrails.injection

For each data set, trains the classifier on the other sets and checks the rail on this set. Sets that never train are
checked with the shipped classifier. Takes less than eight minutes on one core.
"""

from __future__ import annotations

import time
from collections import defaultdict

from septet_guardrails.adapters.weights import injection_head
from septet_guardrails.domain.policy import InjectionRule, Policy
from septet_guardrails.domain.rails.injection import InjectionRail

from benchmarks.guardrails.injection_sets import Case, cases
from benchmarks.guardrails.sets import save
from benchmarks.guardrails.train_injection import fit

THRESHOLDS = {"default": Policy().input.injection.threshold, "strict": InjectionRule(threshold=0.6).threshold}


def left_out_scores(found: list[Case]) -> dict[Case, float]:
    """Score each case with a rail whose classifier was not trained on the case's set."""
    scores: dict[Case, float] = {}
    sources = sorted({case.source for case in found if case.trains})
    for source in sources:
        rail = InjectionRail(fit([case for case in found if case.trains and case.source != source]))
        scores |= {case: rail.score(case.text)[0] for case in found if case.source == source}
    shipped = InjectionRail(injection_head())
    return scores | {case: shipped.score(case.text)[0] for case in found if case.source not in sources}


def table(scores: dict[Case, float]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the share of each group at or over each threshold: attacks as ``caught``, the others as ``false_alarms``."""
    groups: dict[tuple[bool, str], list[float]] = defaultdict(list)
    for case, score in scores.items():
        groups[case.attack, case.group].append(score)
    body: dict[str, dict[str, dict[str, float]]] = {"caught": {}, "false_alarms": {}}
    for (attack, group), found in sorted(groups.items()):
        shares = {
            name: round(sum(score >= threshold for score in found) / len(found), 4)
            for name, threshold in THRESHOLDS.items()
        }
        body["caught" if attack else "false_alarms"][group] = {"n": len(found), **shares}
    return body


def milliseconds(found: list[Case]) -> dict[str, float]:
    """Return the time of the shipped rail: median, and mean of the slowest percent."""
    rail, times = InjectionRail(injection_head()), []
    for case in found[::10]:
        began = time.process_time()
        rail.score(case.text)
        times.append((time.process_time() - began) * 1000)
    times.sort()
    slowest = times[-max(1, len(times) // 100) :]
    return {"p50": round(times[len(times) // 2], 2), "slowest_percent": round(sum(slowest) / len(slowest), 2)}


def main() -> None:
    found = cases()
    body = table(left_out_scores(found))
    save("injection", {"thresholds": THRESHOLDS, **body, "cpu_ms": milliseconds(found)})


if __name__ == "__main__":
    main()
