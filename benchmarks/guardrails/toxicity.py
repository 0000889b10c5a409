"""The toxicity rail on HateCheck's functional tests, and its false alarms on plain questions.

    SEPTET_DATA=… python -m benchmarks.guardrails.toxicity

Compares the rules alone with the rules and the optional profanity classifier at the default threshold.
"""

from __future__ import annotations

import time
from collections import defaultdict

from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.domain.policy import ToxicityRule
from septet_guardrails.domain.rails.toxicity import ToxicityRail

from benchmarks.guardrails.sets import rows, save

PLAIN = {
    "xstest safe": ("xstest/prompts", "text"),
    "banking77": ("banking77/test", "text"),
    "tydi en": ("tydiqa_goldp_en/questions", "question"),
    "tydi ko": ("tydiqa_goldp_ko/questions", "question"),
    "ko pairs": ("korean_question_pair/pairs", "text_a"),
}


def share(rail: ToxicityRail, texts: list[str], rule: ToxicityRule) -> float:
    return round(
        sum(rail.check_texts([text], rule).decision == "block" for text in texts) / max(len(texts), 1), 4
    )


def main() -> None:
    rail = ToxicityRail(ProfanityModel())
    rules = {"rules": ToxicityRule(), "rules+classifier": ToxicityRule(classifier=True)}
    cases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows("hatecheck/cases"):
        cases[row["label"], row["functionality"]].append(row["text"])
        cases[row["label"], "all"].append(row["text"])
    body: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (label, functionality), texts in sorted(cases.items()):
        flagged = {name: share(rail, texts, rule) for name, rule in rules.items()}
        body[f"hatecheck {label}: flagged"][functionality] = {"n": len(texts), **flagged}
    for group, (name, field) in PLAIN.items():
        texts = [row[field] for row in rows(name) if row.get("label") != "unsafe"]
        flagged = {kind: share(rail, texts, rule) for kind, rule in rules.items()}
        body["plain questions: flagged"][group] = {"n": len(texts), **flagged}
    texts = [text for found in cases.values() for text in found]
    began = time.perf_counter()
    share(rail, texts, rules["rules"])
    mean = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
    save("toxicity", {**body, "rules_mean_ms": round(mean, 3)})


if __name__ == "__main__":
    main()
