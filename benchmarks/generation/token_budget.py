"""Tokens of answers with the embedded model's tokenizer: Korean against English, and JSON against its schema's budget.

    SEPTET_DATA=… python -m benchmarks.generation.token_budget

Prose: the same 1,000 sentences in both languages (PAWS-X). JSON: valid instances of public schemas (MaskBench), indented
by two spaces, as models write them. Writes ``results/token_budget.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from septet_generation.domain.budget import json_tokens
from septet_generation.domain.catalogue import EMBEDDED_LIMITS, LANGUAGE_TOKENS

from benchmarks.generation.tokenizer import embedded_tokenizer
from benchmarks.guardrails.sets import rows

RESULTS = Path(__file__).parent / "results"
_SYLLABLE = re.compile(r"[가-힣]")
_OLD_JSON_LIMIT = 256

Count = Callable[[str], int]


def quantile(values: Sequence[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 2)


def over(values: Sequence[int], limit: float) -> float:
    """Share of the values that are greater than a limit."""
    return round(sum(value > limit for value in values) / len(values), 3)


def prose(count: Count) -> dict[str, Any]:
    english = {row["id"].removeprefix("en-"): row["text_a"] for row in rows("pawsx_a/pairs_en")}
    korean = {row["id"].removeprefix("ko-"): row["text_a"] for row in rows("pawsx_a/pairs_ko")}
    shared = sorted(english.keys() & korean.keys())
    if not shared:
        return {}
    en, ko = [count(english[i]) for i in shared], [count(korean[i]) for i in shared]
    ratios = [k / e for e, k in zip(en, ko, strict=True)]
    syllables = sum(len(_SYLLABLE.findall(korean[i])) for i in shared)
    hangul = sum(count("".join(_SYLLABLE.findall(korean[i]))) for i in shared)
    limit = EMBEDDED_LIMITS["max_tokens"]
    return {
        "sentences": len(shared),
        "tokens_per_english_sentence": round(sum(en) / len(en), 1),
        "tokens_per_korean_sentence": round(sum(ko) / len(ko), 1),
        "korean_to_english": round(sum(ko) / sum(en), 2),
        "korean_to_english_p50": quantile(ratios, 0.5),
        "korean_to_english_p90": quantile(ratios, 0.9),
        "english_characters_per_token": round(sum(len(english[i]) for i in shared) / sum(en), 2),
        "tokens_per_syllable": round(hangul / syllables, 2),
        "shipped_factor_ko": LANGUAGE_TOKENS["ko"],
        "english_sentences_over_the_limit": over(en, limit),
        "korean_sentences_over_the_same_limit": over(ko, limit),
        "korean_sentences_over_the_korean_limit": over(ko, limit * LANGUAGE_TOKENS["ko"]),
    }


def structured(count: Count) -> dict[str, Any]:
    needed, characters, plain, budgets, pairs = [], 0, [], [], []
    cap = EMBEDDED_LIMITS["max_tokens_json"]
    for row in rows("json_schema_maskbench/schemas"):
        budget = json_tokens(row["schema"], 1.0)
        budgets.append(budget)
        for test in row["tests"]:
            if not test["valid"]:
                continue
            text = json.dumps(test["data"], ensure_ascii=False)
            characters += len(text)
            plain.append(count(text))
            needed.append(count(json.dumps(test["data"], ensure_ascii=False, indent=2)))
            pairs.append((needed[-1], budget))
    if not pairs:
        return {}
    return {
        "schemas": len(budgets),
        "instances": len(pairs),
        "characters_per_token": round(characters / sum(plain), 2),
        "indented_to_plain": round(sum(needed) / sum(plain), 2),
        "tokens_p50_p90_p99": [quantile(needed, share) for share in (0.5, 0.9, 0.99)],
        "budget_p25_p50_p75": [quantile(budgets, share) for share in (0.25, 0.5, 0.75)],
        "schemas_over_the_embedded_cap": over(budgets, cap),
        f"instances_cut_by_one_limit_of_{_OLD_JSON_LIMIT}": over(needed, _OLD_JSON_LIMIT),
        f"instances_cut_by_the_schema_budget_up_to_{cap}": round(
            sum(need > min(budget, cap) for need, budget in pairs) / len(pairs), 3
        ),
    }


def main() -> None:
    tokenizer = embedded_tokenizer()

    def count(text: str) -> int:
        return len(tokenizer.encode(text).ids)

    body = {"prose": prose(count), "json": structured(count)}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(body, indent=1, ensure_ascii=False)
    (RESULTS / "token_budget.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
