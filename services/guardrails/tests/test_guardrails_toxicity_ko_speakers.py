"""Who says a Korean swear word about whom: the author about another person or about themselves, or a reported speaker."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.korean_abuse import match_korean


@pytest.mark.parametrize(
    "text",
    [
        "내가 보기엔 니가 병신이야",
        "내가 보니 너 병신이네",
        "난 너 병신 같아",
        "제가 보기에 당신은 병신입니다",
        "난 네가 씨발 싫어",
        "나 씨발놈아",
        "우리 반 병신 새끼",
        "내가 씨발 너한테 뭐랬어",
        "너 병신이네",
        "내가 보기엔 완전 병신이네",
        "난 걔가 병신 같아",
        "나는 우리 사장이 병신 같아",
        "내 친구 병신 같아",
        "내가 아는 병신 중에 최고다",
        "난 저 병신들이 싫어",
        "나는 병신들이 싫다",
        "너 때문에 나 씨발 미치겠다",
        "난 병신 같은 상사가 싫어",
        "난 니가 인간 쓰레기라 싫어",
        "저는 그쪽이 병신 같네요",
        "나 당신 같은 병신한테 관심 없어",
        "내가 씨발, 너한테 뭐랬어",
        "나는 네놈이 병신 같아",
        "난 김부장이 병신 같아",
        "난 니들이 병신 같아",
        "난 내 친구가 병신 같아",
        "나 우리 부장 병신 새끼 때문에 힘들어",
    ],
)
def test_the_first_person_does_not_excuse_abuse_of_another_person(text: str) -> None:
    assert match_korean(text)


@pytest.mark.parametrize(
    "text",
    [
        "나 진짜 병신인가 봐",
        "나 왜 이렇게 멍청하지",
        "결국 제가 병신인 거죠",
        "나는 왜 이렇게 병신 같지",
        "저는 회사에서 병신 같은 짓을 했어요",
        "나 진짜 병신인가 봐, 너도 그렇게 생각해?",
        "네가 보기에도 나 병신 같아?",
        "네, 저는 병신이에요",
        "네 저는 진짜 병신이에요",
        "내 인생 진짜 좆같다",
        "난 인간 쓰레기야",
        "나는 병신 같은 놈이야",
        "제가 보기에도 저는 병신이에요",
        "나도 병신이 아니다",
        "나 성격이 병신 같아",
        "내가 봐도 나 병신 같다",
        "나 너무 병신 같아",
        "나 친구들한테 병신처럼 굴었어",
        "저는 사람들 앞에서 병신 같았어요",
        "나 네 시간 동안 병신처럼 기다렸어",
    ],
)
def test_swearing_of_authors_about_themselves_passes(text: str) -> None:
    assert match_korean(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "난 네가 병신이라고 생각해",
        "내가 너 병신이라고 말했지",
        "씨발 꺼지라고 말했잖아",
        "넌 쓰레기라고 내가 말했지",
        "너 병신이라고 내가 말했지",
        "ㅅㅂ 하지 말라고 했잖아",
        "씨발 그게 아니라고",
        "나한테 씨발 그게 아니라고",
        "개새끼야 그만하라고 말했지",
        "병신 꺼지라고 좀 해",
        "나한테 까불지 마 병신아 그만하라고 말했지",
    ],
)
def test_a_reported_phrase_does_not_excuse_words_that_the_author_utters(text: str) -> None:
    assert match_korean(text)


@pytest.mark.parametrize(
    "text",
    [
        "그가 나한테 병신이라고 했어요, 어떻게 신고하나요?",
        "친구가 저한테 병신 새끼라고 했어요",
        "그가 저한테 씨발 꺼지라고 했어요. 신고할 수 있나요?",
        "상사가 저보고 병신 같은 놈이라고 했어요",
        "제가 친구한테 병신이라고 했는데 어떻게 사과하죠?",
        "내가 너한테 병신이라고 한 거 미안해",
        "너는 내가 병신이라고 생각해?",
        "네가 나한테 병신이라고 했잖아",
        "씨발이라고 말하면 처벌받나요?",
        "그는 나를 인간 쓰레기라고 불렀다",
        "찾아가서 죽여 버리겠다고 했어요",
        "누가 저한테 개새끼라고 말했는데 모욕죄인가요?",
        "남편이 저를 병신 새끼라고 불러요",
    ],
)
def test_reports_of_abuse_pass(text: str) -> None:
    assert match_korean(text) == []


def test_too_is_no_second_person() -> None:
    assert match_korean("모기가 너무 싫어 죽여버리고 싶다") == []
