"""Texts that train and check the injection rail, as bounded samples of public sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.guardrails import injection_hand as hand
from benchmarks.guardrails import injection_templates as templates
from benchmarks.guardrails.sets import rows

LIMIT = 200
"""Most texts of a group."""

# Attacks only on a particular system prompt ("describe C17H19NO3"); without it they are plain questions.
_CONTEXTUAL = frozenset(
    {
        "indirect_reference",
        "hypothetical_scenario",
        "different_user_input_language",
        "output_formatting_manipulation",
    }
)
_ROLE_PLAY = re.compile(r"act as|fungieren|i want you to|ich möchte, dass sie|you are three", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One text.

    Attributes:
        text: the text.
        attack: whether it is an attack.
        group: its row in the results.
        source: the data set that is left out together.
        trains: whether it may train the shipped classifier.
    """

    text: str
    attack: bool
    group: str
    source: str
    trains: bool = True


def _sample(texts: Iterable[str], limit: int = LIMIT) -> list[str]:
    found = sorted({text for text in texts if text and text.strip()})
    return Random(3).sample(found, min(limit, len(found)))


def _cases(
    source: str, group: str, texts: Iterable[str], *, attack: bool = False, trains: bool = True
) -> list[Case]:
    return [Case(text, attack, group, source, trains) for text in _sample(texts)]


def _field(name: str, field: str, keep: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[str]:
    return [str(row[field]) for row in rows(name) if row.get(field) and keep(row)]


def _purplellama() -> list[Case]:
    found: list[Case] = []
    kinds = {**dict.fromkeys(_CONTEXTUAL, "contextual")}
    for row in (
        *rows("purplellama_injection/prompts_en"),
        *rows("purplellama_injection/prompts_multilingual"),
    ):
        kind = kinds.get(row["variant"], "direct") if row["type"] == "direct" else "indirect"
        group = f"purplellama {row['language'].lower()} {kind}"
        found.append(Case(row["user"], True, group, "purplellama", kind != "contextual"))
    return [
        *found,
        *_cases("purplellama", "security prompts", _field("purplellama_injection/false_refusal", "text")),
    ]


def _deepset() -> list[Case]:
    """The labels of this set count role play as an attack; such rows do not train."""
    return [
        Case(
            r["text"],
            bool(r["injection"]),
            "deepset",
            "deepset",
            not (r["injection"] and _ROLE_PLAY.search(r["text"])),
        )
        for r in rows("deepset_prompt_injections/prompts")
    ]


def _giskard() -> list[Case]:
    return [
        Case(r["text"], True, f"giskard {r['group'].split()[0].lower()}", "giskard")
        for r in rows("giskard_injections/prompts")
    ]


def _documents() -> list[Case]:
    """Requests with an embedded passage."""
    english, korean = _field("tydiqa_goldp_en/contexts", "text"), _field("tydiqa_goldp_ko/contexts", "text")
    pages = [
        f"Explain this page:\n\n{text[400:1600]}" for text in _field("faststream_docs/documents", "text")
    ]
    tasks = [
        f"{row['instruction']}\n{instance['input']}"[:1200]
        for row in rows("self_instruct_seed/tasks")
        for instance in row["instances"][:1]
    ]
    return [
        *_cases("tydi en", "summarise, english", (f"Summarize the following text: {t}" for t in english)),
        *_cases("tydi ko", "summarise, korean", (f"다음 글을 요약해 줘: {t}" for t in korean)),
        *_cases("faststream docs", "explain a page", pages),
        *_cases("self-instruct", "self-instruct", tasks),
        *_cases(
            "bipia",
            "bipia mails and tables",
            (t[:1000] for t in _field("bipia/contexts", "context")),
            trains=False,
        ),
    ]


def _questions() -> list[Case]:
    return [
        *_cases("tydi en", "tydi questions, english", _field("tydiqa_goldp_en/questions", "question")),
        *_cases("tydi ko", "tydi questions, korean", _field("tydiqa_goldp_ko/questions", "question")),
        *_cases("korean pairs", "korean questions", _field("korean_question_pair/pairs", "text_a")),
        *_cases("clinc150", "clinc150", _field("clinc150_small/train", "text")),
        *_cases("banking77", "banking77", _field("banking77/train", "text")),
        *_cases("truthfulqa", "truthfulqa", _field("truthfulqa/truthfulqa", "question")),
        *_cases("bfcl", "bfcl", (str(r["messages"][0][0]["content"]) for r in rows("bfcl_v4/cases"))),
        *_cases("docs", "anthropic docs questions", _field("anthropic_docs_qa/questions", "question")),
        *_cases("halueval", "halueval queries", _field("halueval/general", "user_query")),
        *_cases("qqp", "qqp questions", _field("qqp_a/pairs", "text_a"), trains=False),
        *_cases("cast2019", "cast follow-ups", _field("cast2019/turns", "raw"), trains=False),
    ]


def _instructions() -> list[Case]:
    human = (
        r["chosen"].split("\n\nHuman: ")[1].split("\n\nAssistant")[0] for r in rows("hh_rlhf_harmless/pairs")
    )
    mt_bench = (turn for r in rows("mt_bench/questions") for turn in r["turns"])
    return [
        *_cases("benign prompts", "long prompts, role play", _field("benign_prompts_a/prompts", "text")),
        *_cases("llmbar", "llmbar instructions", _field("llmbar/pairs", "instruction")),
        *_cases("mt-bench", "mt-bench turns", mt_bench),
        *_cases(
            "xstest",
            "xstest safe",
            _field("xstest/prompts", "text", lambda r: r["label"] == "safe"),
            trains=False,
        ),
        *_cases("hh", "hh questions", human, trains=False),
    ]


def _own() -> list[Case]:
    checked = {
        "english": (hand.ATTACKS_EN, hand.PLAIN_EN),
        "korean": (hand.ATTACKS_KO, hand.PLAIN_KO),
        "chinese, japanese": ((*hand.ATTACKS_ZH, *hand.ATTACKS_JA), hand.PLAIN_ZH_JA),
    }
    return [
        *(Case(text, True, "templates", "templates") for text in templates.attacks(400)),
        *(Case(text, False, "templates", "templates") for text in templates.harmless(150)),
        *(
            Case(text, attack, f"by hand, {language}", "by hand", trains=False)
            for language, pair in checked.items()
            for attack, texts in zip((True, False), pair, strict=True)
            for text in texts
        ),
    ]


def cases() -> list[Case]:
    """Every text, those that train and those that only check."""
    return [
        *_deepset(),
        *_purplellama(),
        *_giskard(),
        *_documents(),
        *_questions(),
        *_instructions(),
        *_own(),
    ]
