"""Recall and false alarms of the injection rail on unseen texts.

    SEPTET_DATA=… python -m benchmarks.guardrails.injection

Compares the rail at its default threshold with a strict threshold, the rules alone, the head alone, and the packaged
classifier ``securevector-guardian-model`` (if installed) at two thresholds.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

from septet_guardrails.adapters.weights import injection_head
from septet_guardrails.domain.injection_rules import match_rules
from septet_guardrails.domain.policy import InjectionRule, Policy
from septet_guardrails.domain.rails.injection import InjectionRail

from benchmarks.guardrails.injection_sets import Case, checking
from benchmarks.guardrails.sets import save

Detector = Callable[[str], bool]


def guardian(threshold: float) -> Detector | None:
    """The packaged classifier, or None if it is not installed."""
    try:
        from svguardian import resolve_runtime
        from svguardian.model.pure_infer import PureGuardian
        from svguardian.serve import analyze
    except ImportError:
        print("skipped: securevector-guardian-model is not installed")
        return None
    model = PureGuardian.load(resolve_runtime())
    return lambda text: bool(analyze(text[:2000], model)["risk_score"] >= 100 * threshold)


def detectors() -> dict[str, Detector]:
    """The compared detectors by name."""
    head, rail = injection_head(), InjectionRail(injection_head())
    default, strict = Policy().input.injection.threshold, InjectionRule(threshold=0.6).threshold
    found: dict[str, Detector | None] = {
        f"rail@{default}": lambda text: rail.score(text)[0] >= default,
        f"rail@{strict}": lambda text: rail.score(text)[0] >= strict,
        "rules": lambda text: bool(match_rules(text)),
        f"head@{default}": lambda text: head.probability(text) >= default,
        "guardian@0.5": guardian(0.5),
        "guardian@0.8": guardian(0.8),
    }
    return {name: detect for name, detect in found.items() if detect is not None}


def main() -> None:
    groups: dict[tuple[bool, str], list[Case]] = defaultdict(list)
    for case in checking():
        groups[case.attack, case.group].append(case)
    body: dict[str, dict[str, dict[str, float]]] = {"recall": {}, "false_alarms": {}}
    milliseconds = {}
    for name, detect in detectors().items():
        began, count = time.perf_counter(), 0
        for (attack, group), cases in sorted(groups.items()):
            share = sum(detect(case.text) for case in cases) / len(cases)
            row = body["recall" if attack else "false_alarms"].setdefault(group, {"n": len(cases)})
            row[name] = round(share, 4)
            count += len(cases)
        milliseconds[name] = round((time.perf_counter() - began) * 1000 / max(count, 1), 3)
    save("injection", {**body, "mean_ms": milliseconds})


if __name__ == "__main__":
    main()
