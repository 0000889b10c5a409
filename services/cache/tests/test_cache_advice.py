"""Advice from logged traffic: what repeats, what the cache served, and why it did not serve the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from septet_cache.application.advice import Advice, advise, rules_of
from septet_cache.application.sentences import sentences
from septet_cache.domain.findings import Cause, Finding, Rules, explain
from septet_cache.domain.frequent import frequent
from septet_cache.domain.items import ItemGroup, item_groups
from septet_cache.domain.traffic import LoggedRequest, logged_request
from septet_cache.settings import CacheSettings
from septet_contracts import CacheOptions, Missed, RetrievalOptions, Verdict

from .harness import NOW, QUESTION, Cache, released

RULES = Rules()


class Log:
    """Traffic of a cache: asks questions at given minutes and logs what the cache made of them."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.requests: list[LoggedRequest] = []

    async def ask(self, question: str, minute: float, **fields: Any) -> LoggedRequest:
        """Ask; the answer is released after half a minute. ``stored=False``: the cache has lost it."""
        stored, release = fields.pop("stored", True), fields.pop("release", {})
        at = NOW + timedelta(minutes=minute)
        request_id = f"r-{len(self.requests)}"
        event = await self.cache.ask(question, request_id=request_id, accepted_at=at, **fields)
        answer = {"occurred_at": at + timedelta(minutes=0.5), **release}
        if isinstance(event, Missed):
            done = released(event, **answer)
            if stored:
                await self.cache.admit(event, **answer)
        else:
            done = released(event, **{**answer, "admissible": False, "answer_kind": "cached"})
        logged = logged_request(event, done)
        assert logged is not None
        self.requests.append(logged)
        return logged

    def findings(self, rules: Rules = RULES) -> list[Finding]:
        return explain(self.requests, rules)

    def last(self, rules: Rules = RULES) -> Finding:
        return self.findings(rules)[-1]

    def advice(self) -> Advice:
        return advise(self.requests, RULES)


@pytest.fixture
def log(cache: Cache) -> Log:
    return Log(cache)


async def test_hits_are_counted_by_kind(log: Log) -> None:
    key: dict[str, Any] = {"cache": CacheOptions(key="item-7")}
    await log.ask(QUESTION, 0)
    await log.ask(QUESTION.upper(), 1)
    await log.ask("In Python, how do I sort a list?", 2)
    await log.ask("What is it?", 3, **key)
    await log.ask("Describe it.", 4, **key)
    advice = log.advice()
    assert (advice.requests, advice.questions) == (5, 4)
    assert advice.served == {"hit_exact": 1, "hit_semantic": 1, "hit_key": 1}
    assert advice.repeats == {"exact": 1, "meaning": 1, "key": 1}
    assert advice.servable == 3
    assert [(p.question, p.earlier) for p in advice.by_meaning] == [
        ("In Python, how do I sort a list?", QUESTION)
    ]


@pytest.mark.parametrize(
    ("first", "second", "minute", "cause", "detail"),
    [
        ({}, {"cache": CacheOptions(use="bypass")}, 9, "bypassed", ""),
        ({}, {"cache": CacheOptions(use="refresh")}, 9, "refreshed", ""),
        ({"stored": False}, {}, 9, "gone", ""),
        ({"stored": False}, {}, 60 * 25, "expired", ""),
        ({}, {"model": "large"}, 9, "other_scope", "model"),
        ({}, {"policy_version": "2"}, 9, "other_scope", "policy"),
        ({}, {"messages": ({"role": "user", "content": "Hi"},)}, 9, "other_scope", "history"),
        ({}, {"cache": CacheOptions(key="k")}, 9, "other_scope", "key"),
        ({}, {"tenant": "other"}, 9, "new", ""),
        ({"stored": False, "release": {"occurred_at": NOW + timedelta(hours=1)}}, {}, 9, "not_released", ""),
        (
            {"release": {"admissible": False, "admission_reason": "groundedness 0.41 is below 0.60"}},
            {},
            9,
            "not_admitted",
            "groundedness 0.41 is below 0.60",
        ),
        ({}, {"verdicts": (Verdict(rail="pii", stage="input", decision="mask"),)}, 9, "masked", ""),
    ],
)
async def test_the_cause_of_an_unserved_repeat(
    log: Log, first: dict[str, Any], second: dict[str, Any], minute: float, cause: Cause, detail: str
) -> None:
    await log.ask(QUESTION, 0, **first)
    await log.ask(QUESTION, minute, **second)
    found = log.last()
    assert (found.cause, found.detail) == (cause, detail)


async def test_a_question_about_the_present_expires_earlier(log: Log) -> None:
    for minute in (0, 7):
        await log.ask("What is the current release of Python?", minute, stored=False)
    assert log.last().cause == "expired"
    assert "SEPTET_CACHE_VOLATILE_TTL" in sentences(log.advice())[0]
    assert log.last(Rules(volatile_ttl=timedelta(hours=1))).cause == "gone"


@pytest.mark.parametrize(
    ("asked", "check"),
    [
        ("How do I sort a list in Java?", "entities"),
        ("How do I sort a list in Python 3?", "numbers"),
        ("How do I not sort a list in Python?", "negation"),
    ],
)
async def test_a_similar_question_is_reported_with_the_check_that_refused_it(
    log: Log, asked: str, check: str
) -> None:
    await log.ask(QUESTION, 0, stored=False)
    await log.ask(asked, 1)
    (refused,) = log.advice().refused
    assert (refused.check, refused.requests, refused.near) == (check, 1, int(check != "entities"))
    assert (refused.example.question, refused.example.earlier) == (asked, QUESTION)


async def test_korean_repeats_and_refusals(log: Log) -> None:
    first = "파이썬에서 리스트를 가장 빠르게 정렬하는 방법은 무엇인가요?"
    await log.ask(first, 0, language="ko", stored=False)
    await log.ask(first.rstrip("?"), 1, language="ko", stored=False)
    await log.ask(first.replace("리스트", "튜플"), 2, language="ko", stored=False)
    advice = log.advice()
    assert advice.repeats == {"exact": 1}
    assert [r.example.earlier for r in advice.refused] == [first]


async def test_an_unrelated_question_is_new(log: Log) -> None:
    await log.ask(QUESTION, 0)
    await log.ask("Who wrote the novel Middlemarch?", 1)
    assert (log.last().cause, log.advice().refused) == ("new", ())


async def test_a_repeat_in_other_words_counts_without_a_stored_answer(log: Log) -> None:
    await log.ask(QUESTION, 0, release={"admissible": False, "admission_reason": "the status is abstained"})
    await log.ask("In Python, how do I sort a list?", 1)
    found = log.last()
    assert (found.cause, found.repeats, found.earlier) == ("not_admitted", "meaning", QUESTION)
    assert log.last(Rules(semantic=False)).cause == "new"


async def test_vectors_of_the_model_with_an_owner_are_compared(log: Log) -> None:
    await log.ask(QUESTION, 0, stored=False)
    await log.ask("How do I sort a list in Java?", 1)
    vectors = [r.embedding for r in log.requests if r.embedding is not None]
    owned = [
        replace(r, embedding=v.model_copy(update={"model": f"intfloat/{v.model}"}))
        for r, v in zip(log.requests, vectors, strict=True)
    ]
    assert explain(owned, RULES)[-1].similarity == log.last().similarity is not None
    assert explain(owned, RULES)[-1].cause == log.last().cause == "similar"


async def test_the_lookup_names_a_similar_question_from_before_the_traffic(log: Log) -> None:
    await log.ask(QUESTION, -60)
    log.requests.clear()
    await log.ask("How do I sort a list in Java?", 0)
    found = log.last()
    assert (found.cause, found.detail, found.earlier) == ("similar", "entities", QUESTION)


async def test_outcomes_of_other_stages_are_no_lookups(cache: Cache) -> None:
    await cache.fill()
    hit = await cache.ask()
    assert logged_request(hit, None) is not None
    assert logged_request(hit.model_copy(update={"answer_kind": "generated"}), None) is None


async def test_advice_is_written_in_sentences(log: Log) -> None:
    for number in (17, 18, 19):
        await log.ask(f"Where is order {number}?", number, stored=False)
    await log.ask(QUESTION, 30, stored=False)
    await log.ask(QUESTION, 30 + 60 * 30, stored=False)
    await log.ask(QUESTION, 31 + 60 * 30, cache=CacheOptions(use="bypass"))
    text = "\n".join(sentences(log.advice()))
    assert "3 requests repeat a question with another item id (3 items; “Where is order 17?”" in text
    assert "1 request repeats a question after its answer expired: a lifetime of 30 h" in text
    assert "1 request repeats a question and bypasses the cache" in text


async def test_reasons_that_differ_in_a_number_are_one_reason(log: Log) -> None:
    for minute in range(3):
        reason = f"groundedness 0.4{minute} is below 0.60"
        await log.ask(QUESTION, minute, release={"admissible": False, "admission_reason": reason})
    (group,) = [u for u in log.advice().unserved if u.cause == "not_admitted"]
    assert (group.detail, group.requests) == ("groundedness … is below …", 2)


def test_no_traffic_is_said_so() -> None:
    advice = advise([], RULES)
    assert (advice.requests, advice.servable, advice.since) == (0, 0, None)
    assert "choose a longer one" in sentences(advice)[0]


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (
            ["Where is order 1?", "where is order 2", "Where is order 1"],
            ItemGroup(3, 2, ("Where is order 1?", "where is order 2")),
        ),
        (
            ["주문 A-1은 어디에 있나요?", "주문 A-2는 어디에 있나요?", "주문 A-3은 어디에 있나요?"],
            ItemGroup(3, 3, ("주문 A-1은 어디에 있나요?", "주문 A-2는 어디에 있나요?")),
        ),
        (
            ["상품 A-1 재고 있나요?", "상품 A-2 재고 있나요?", "상품 B-9 재고 있나요?"],
            ItemGroup(3, 3, ("상품 A-1 재고 있나요?", "상품 A-2 재고 있나요?")),
        ),
        (["Where is order 1?"] * 5, None),
        (["Where is order 1?", "Where is order 2?"], None),
        (["What is a list?", "What is a tuple?", "What is a set?"], None),
    ],
)
def test_questions_about_items(questions: list[str], expected: ItemGroup | None) -> None:
    assert item_groups(questions) == ([expected] if expected else [])


async def test_frequent_questions_that_the_cache_does_not_hold(log: Log) -> None:
    masked = (Verdict(rail="pii", stage="input", decision="mask"),)
    dense: dict[str, Any] = {"retrieval": RetrievalOptions(mode="dense")}
    for minute in range(3):
        await log.ask("What is a deque?", minute, stored=False, release={"admissible": False})
        await log.ask("Who am I?", minute, verdicts=masked)
        await log.ask("Is it cached?", minute)
        await log.ask("Do not cache me?", minute, cache=CacheOptions(use="bypass"))
        await log.ask("And then?", minute, messages=({"role": "user", "content": "Hi"},))
    await log.ask("What is a heap?", 4, release={"admissible": False}, **dense)
    now = NOW + timedelta(hours=1)
    assert [(f.ask.query, f.requests) for f in frequent(log.requests, RULES, now)] == [
        ("What is a deque?", 3),
        ("What is a heap?", 1),
    ]
    tomorrow = now + timedelta(days=2)
    expired = [f.ask.query for f in frequent(log.requests[:3], RULES, tomorrow)]
    assert expired == ["What is a deque?", "Is it cached?"]


def test_the_rules_are_those_of_the_settings() -> None:
    settings = CacheSettings(ttl=timedelta(hours=2), candidates=9, strictness=0.7, semantic=False)
    assert rules_of(settings) == Rules(timedelta(hours=2), timedelta(minutes=5), False, 9, 0.7)
