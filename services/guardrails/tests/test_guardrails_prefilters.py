"""The prefilters of patterns lose no match: each accepts every text that its pattern matches."""

from __future__ import annotations

import random
from functools import cache

import pytest
from septet_guardrails.domain.pii import find_pii
from septet_guardrails.domain.pii.finder import RECOGNISERS, WITH_HANGUL
from septet_guardrails.domain.pii.recogniser import Recogniser
from septet_guardrails.domain.toxicity_rules import ABUSES, Abuse

_PII = (
    "0 12 123 4567 010 +82 (010) -1234- 1234-5678 010-1234-5678 02-123-4567 +1 4111111111111111 4111-1111-1111-1111 "
    "900101-1234568 123-45-6789 GB82WEST12345698765432 DE89 3704 0044 0532 me@x.org foo[AT]bar (at) (dot) com 골뱅이 점 "
    "::1 fe80::1 2001:db8::ff00:42:8329 10.0.0.1 passport 여권 M12345678 운전면허 12-34-567890-12 계좌 110-123-456789 ssn "
    "sk-abcdefghijklmnopqrstuvwx AKIAABCDEFGHIJKLMNOP ghp_abcdefghijklmnopqrstuvwxyz0123456789 xoxb-1234567890-abc "
    "phone call card 카드 전화 . , - / ( ) 사업자 9287029294 주민 641121-9****** 성함: 예금주 제 이름은 김민수 이준 김 철수 씨 님 "
    "고객 팀장님 안녕하세요, 입니다 라고 합니다 라고 불러 서울 강남구 가온로 152 역삼동 12-3 101동 1203호 배송 "
    "My name is Ada This is calling Name: address 90 Church Road Way home Hauptstrasse 12 Rue Kossuth utca P.O. Box Apt. Suite "
    "\n Bern 30122 PSC 3294, FPO AE"
)
_ABUSE = (
    "you your kys women jews gays the people Muslims are is should must be scum vermin dirty not n't hate despise all filthy "
    "disgust me no deserve rights kill killed die stupid of a because they're find get the fuck out . ! ? , wh0re sl4t "
    "f@ggot k1ke i would rather never date for hatred i'll suffer rot let's"
)


@cache
def _texts(vocabulary: str, seed: int) -> list[str]:
    rng, words = random.Random(seed), vocabulary.split()
    return [
        "".join(rng.choice(words) + rng.choice((" ", " ", "")) for _ in range(rng.randint(2, 12)))
        for _ in range(4000)
    ]


@pytest.mark.parametrize("recogniser", RECOGNISERS, ids=lambda r: f"{r.entity}-{r.pattern.pattern[:20]}")
def test_prefilter_accepts_every_match_of_personal_data(recogniser: Recogniser) -> None:
    for text in _texts(_PII, 5):
        spans = {(s.start, s.end) for s in recogniser.find(text)}
        digits = sum(character in "0123456789" for character in text)
        assert not spans or recogniser.can_match(text.lower(), digits), text


@pytest.mark.parametrize("abuse", [abuse for abuse in ABUSES if abuse.needs], ids=lambda a: a.name)
def test_prefilter_accepts_every_match_of_abuse(abuse: Abuse) -> None:
    assert abuse.needs is not None
    matched = [text for text in _texts(_ABUSE, 6) if abuse.pattern.search(text)]
    assert len(matched) >= 10, "too few texts match"
    assert all(abuse.needs.search(text) for text in matched)


def test_texts_contain_each_kind_of_personal_data() -> None:
    found = {span.entity for text in _texts(_PII, 5) for span in find_pii(text)}
    kinds = {
        "EMAIL",
        "PHONE",
        "CREDIT_CARD",
        "KR_RRN",
        "IP_ADDRESS",
        "PASSPORT",
        "API_KEY",
        "PERSON",
        "ADDRESS",
    }
    assert kinds <= found


@pytest.mark.parametrize("recogniser", WITH_HANGUL, ids=lambda r: f"{r.entity}-{r.pattern.pattern[:20]}")
def test_recognisers_skipped_for_ascii_texts_match_none(recogniser: Recogniser) -> None:
    assert [text for text in _texts(_PII, 5) if text.isascii() and list(recogniser.find(text))] == []
