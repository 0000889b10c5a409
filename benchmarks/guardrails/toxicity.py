"""The toxicity rail on HateCheck's functional tests and on Korean comments, and its false alarms on plain texts.

    SEPTET_DATA=… python -m benchmarks.guardrails.toxicity

Compares the rules alone with the rules and the optional profanity classifier at the default threshold. The Korean
comments are ``korean_toxicity_test.txt``, written before the rules, and ``korean_toxicity_dev.txt``, with which the
rules were developed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

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
    "ko pairs, second": ("korean_question_pair/pairs", "text_b"),
    "tydi ko passages": ("tydiqa_goldp_ko/contexts", "text"),
    "pawsx ko": ("pawsx_a/pairs_ko", "text_a"),
}
COMMENTS = ("test", "dev")


def comments(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield label ("hate" or "plain"), category and text of the Korean comments by hand."""
    label = category = ""
    path = Path(__file__).parent / f"korean_toxicity_{name}.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            label, category = line.strip("[]").split(": ")
        elif line and not line.startswith("#"):
            yield label, category, line


def by_category(
    rail: ToxicityRail, name: str, rules: dict[str, ToxicityRule]
) -> dict[str, dict[str, dict[str, float]]]:
    cases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for label, category, text in comments(name):
        cases[label, category].append(text)
        cases[label, "all"].append(text)
    body: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (label, category), texts in cases.items():
        flagged = {kind: share(rail, texts, rule) for kind, rule in rules.items()}
        body[f"korean {name}, {label}: flagged"][category] = {"n": len(texts), **flagged}
    return body


def cost(rail: ToxicityRail, texts: list[str]) -> float:
    """CPU milliseconds of the rules for 1,000 characters."""
    rail.check_texts(texts[:1], ToxicityRule())
    began = time.process_time()
    share(rail, texts, ToxicityRule())
    return round((time.process_time() - began) * 1e6 / max(sum(map(len, texts)), 1), 2)


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
    for name in COMMENTS:
        body |= by_category(rail, name, rules)
    milliseconds = {
        "hatecheck": cost(rail, [row["text"] for row in rows("hatecheck/cases")]),
        "tydi ko passages": cost(rail, [row["text"] for row in rows("tydiqa_goldp_ko/contexts")]),
    }
    save("toxicity", {**body, "rules: ms of CPU for 1,000 characters": milliseconds})


if __name__ == "__main__":
    main()
