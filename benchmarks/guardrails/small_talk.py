"""False alarms and recall of the recognition of small talk.

    SEPTET_DATA=… python -m benchmarks.guardrails.small_talk

False alarms: messages of public sets that are questions, in English and Korean; each one that is taken for small talk would
get a template instead of an answer. Recall: the intents of CLINC150 that the rail replies to (English). The phrases were
written with knowledge of the parts ``train`` and ``val``; ``test`` was not read. No Korean set has such messages.
Writes ``results/small_talk.json``.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from septet_guardrails.domain.small_talk import small_talk

from benchmarks.guardrails.sets import rows, save

RECALLED = {
    "greeting": "greeting",
    "thank_you": "thanks",
    "goodbye": "farewell",
    "what_can_i_ask_you": "ability",
}
# Intents about the assistant or the conversation, for which a reply from a template is neither right nor wrong.
NEUTRAL = {"are_you_a_bot", "what_is_your_name", "yes", "no", "who_made_you", "how_old_are_you"}
_SHOWN = 20


_FIELDS = {
    "banking77/train": ("text",),
    "banking77/test": ("text",),
    "qqp_a/pairs": ("text_a", "text_b"),
    "korean_question_pair/pairs": ("text_a", "text_b"),
    "tydiqa_goldp_en/questions": ("question",),
    "tydiqa_goldp_ko/questions": ("question",),
    "hotpotqa_100/questions": ("question",),
    "anthropic_docs_qa/questions": ("question",),
    "chunking_eval/questions": ("question",),
    "cast2019/turns": ("raw",),
    "truthfulqa/truthfulqa": ("question",),
    "xstest/prompts": ("text",),
    "benign_prompts_a/prompts": ("text",),
}


def questions() -> Iterator[tuple[str, str]]:
    """Set and text of each message that is not small talk."""
    for split in ("train", "val", "test"):
        for row in rows(f"clinc150_small/{split}"):
            if row["label"] not in RECALLED and row["label"] not in NEUTRAL:
                yield "clinc150 (other intents)", row["text"]
    for name, fields in _FIELDS.items():
        for row in rows(name):
            yield from ((name.split("/")[0], row[field]) for field in fields)


def false_alarms() -> dict[str, Any]:
    total, alarms, shown = Counter[str](), Counter[str](), []
    for name, text in questions():
        total[name] += 1
        if (kind := small_talk(text)) is not None:
            alarms[name] += 1
            shown.append(f"{name}: {text} ({kind})")
    return {
        "sets": {name: {"n": n, "alarms": alarms[name]} for name, n in total.items()},
        "n": total.total(),
        "share": round(alarms.total() / max(total.total(), 1), 5),
        "alarms": shown[:_SHOWN],
    }


def recall(split: str) -> dict[str, Any]:
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows(f"clinc150_small/{split}"):
        if row["label"] in RECALLED:
            found[row["label"]].append(small_talk(row["text"]) is not None)
    return {
        label: {"n": len(hits), "recall": round(sum(hits) / len(hits), 3)} for label, hits in found.items()
    }


def main() -> None:
    texts = [text for _, text in questions()]
    began = time.process_time()
    for text in texts:
        small_talk(text)
    cost = (time.process_time() - began) * 1000 / max(len(texts), 1)
    body = {
        "false_alarms": false_alarms(),
        "recall": {split: recall(split) for split in ("train", "val", "test")},
        "mean_ms": round(cost, 4),
    }
    save("small_talk", body)


if __name__ == "__main__":
    main()
