"""Curves and rates of the rails for toxicity and groundedness, by data set.

    SEPTET_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.guardrails.rates

``docs/generate/rail_rates_page.py`` makes ``docs/reference/rail-rates.md`` from the result and from that of
``benchmarks.guardrails.injection``. Groundedness is checked on part B of each set; its weights are fitted on part A.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.domain.grounding import calibration
from septet_guardrails.domain.policy import Policy, ToxicityRule
from septet_guardrails.domain.rails.toxicity import ToxicityRail

from benchmarks.guardrails.calibrate_groundedness import Row, measure, score
from benchmarks.guardrails.groundedness_sets import claims
from benchmarks.guardrails.roc import Scores, grouped, roc, share
from benchmarks.guardrails.sets import rows, save
from benchmarks.guardrails.toxicity import PLAIN


def toxicity(rule: ToxicityRule) -> dict[str, Any]:
    """Return curve and rates: hateful functional tests against the others, and against plain questions."""
    rail = ToxicityRail(ProfanityModel())
    cases = [
        (f"hatecheck {r['functionality']}", r["label"] == "hateful", r["text"])
        for r in rows("hatecheck/cases")
    ]
    for group, (name, field) in PLAIN.items():
        cases += [(group, False, row[field]) for row in rows(name) if row.get("label") != "unsafe"]
    scored = [(group, label, rail.check_texts([text], rule).score or 0.0) for group, label, text in cases]
    positives, negatives = (
        grouped((g, s) for g, label, s in scored if label is side) for side in (True, False)
    )
    return _body(positives, negatives, {"block": rule.threshold})


def groundedness(
    found: list[Row], weights: Mapping[str, float], points: Mapping[str, float]
) -> dict[str, Any]:
    """Return curve and rates: unsupported claims against supported ones, scored by 1 - support."""
    scored = [(row.claim.group, row.claim.supported, 1 - score(row, weights)) for row in found]
    positives, negatives = (
        grouped((g, s) for g, label, s in scored if label is side) for side in (False, True)
    )
    return _body(positives, negatives, points)


def _body(positives: Scores, negatives: Scores, points: Mapping[str, float]) -> dict[str, Any]:
    def rates(groups: Scores) -> dict[str, dict[str, float]]:
        return {
            group: {"n": len(scores), **{name: round(share(scores, at), 4) for name, at in points.items()}}
            for group, scores in sorted(groups.items())
        }

    return {
        "operating_points": {name: round(at, 4) for name, at in points.items()},
        "roc": roc(positives, negatives),
        "positives": rates(positives),
        "negatives": rates(negatives),
    }


def main() -> None:
    policy = Policy()
    measured = measure([claim for claim in claims() if claim.part == "b"])
    rejected = {
        name: 1 - policy.output_rules(contained=contained).groundedness.threshold
        for name, contained in (("default", False), ("contained question", True))
    }
    body = {"toxicity": toxicity(policy.input.toxicity)}
    for language, weights in (("english", calibration.ENGLISH), ("korean", calibration.KOREAN)):
        mine = [row for row in measured if row.korean is (language == "korean")]
        body[f"groundedness, {language}"] = groundedness(mine, weights, rejected)
    save("rates", body)


if __name__ == "__main__":
    main()
