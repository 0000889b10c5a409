"""Detection of Korean abuse: variants of spelling, groups with predicates, and harmless texts with the same syllables."""

from __future__ import annotations

import unicodedata

import pytest
from septet_guardrails.domain.korean_abuse import match_korean, rules
from septet_guardrails.domain.korean_abuse.normal import normalise_korean
from septet_guardrails.domain.toxicity_rules import match_abuse
from septet_kit.hostile import UNITS, growth


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("씨발 또 너냐", "abuse_ko"),
        ("이 개새끼야", "abuse_ko"),
        ("저 새끼 또 거짓말하네", "abuse_ko"),
        ("틀딱들 또 나왔네", "slur_ko"),
        ("급식충들 시끄럽다", "slur_ko"),
        ("짱깨들이 문제야", "slur_ko"),
        ("중국인들은 미개하다", "hatred_ko"),
        ("여자들은 진짜 뇌가 없나", "hatred_ko"),
        ("외국인들 다 추방해라", "hatred_ko"),
        ("더러운 조선족", "hatred_ko"),
        ("일본놈들 상대하지 말자", "hatred_ko"),
        ("나가 죽어라", "threat_ko"),
        ("뒤져라", "threat_ko"),
        ("칼로 찔러 버린다", "threat_ko"),
        ("당장 꺼져", "threat_ko"),
        ("벌레만도 못한 인간", "derogation_ko"),
        ("인간 쓰레기네", "derogation_ko"),
        ("너희 나라로 돌아가라", "derogation_ko"),
    ],
)
def test_finds_each_kind(text: str, kind: str) -> None:
    assert kind in match_korean(text)


@pytest.mark.parametrize(
    "text",
    [
        "씨1발", "시~발", "씨 발 놈 아", "씨이이이발", "ㅅㅂ", "ㅅ ㅂ 뭐래", "ㅆㅂ", "쉬발", "ㅅㅣㅂㅏㄹ 놈아", "시바ㄹ 놈아",
        "병1신", "ㅂㅕㅇㅅㅣㄴ아", "ㅄ", "병ㅅ신아", "ㅂㅅ들", "지.랄.한.다", "ㅈㄹ하네", "개 같 은 새 끼", "개색희", "ㄱㅅㄲ", "쪽빠리",
        "한ㄴ남충", "씨\u200b발", unicodedata.normalize("NFD", "씨발 놈아"),
    ],
)  # fmt: skip
def test_finds_variants_of_spelling(text: str) -> None:
    assert match_korean(text)


@pytest.mark.parametrize(
    "text",
    [
        "이 역은 시발역이자 종착역이다", "모든 일의 시발점", "솜씨 발휘", "날씨 발표", "시바견 사료", "병신년 새해", "질병 신고와 질병신고",
        "새끼손가락", "강아지 새끼가 태어났다", "이년 전에 샀다", "2018년에 개봉했다", "지랄 맞은 날씨", "고자질하지 마", "등신대 인형",
        "홍어 무침", "한남동 맛집", "해충과 유충", "충전이 안 돼요", "세종특별자치시", "불이 자꾸 꺼져", "가방을 뒤져 봤다", "죽어라 공부했다",
        "미친 듯이 좋은 노래", "게이트 앞에서 만나요", "소개시키는 자리", "배고파 죽겠다", "모기를 때려죽였다",
    ],
)  # fmt: skip
def test_harmless_words_with_the_same_syllables_pass(text: str) -> None:
    assert match_korean(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "이 제품 쓰레기네요",
        "정부 정책이 최악이다",
        "노인들이 쓰레기를 주웠다",
        "외국인 등록은 어디서 하나요?",
        "장애인 화장실이 더럽다고 합니다",
        "남자 주인공이 답답하다",
        "좀비 프로세스를 죽이는 방법",
        "나 왜 이렇게 멍청하지",
        "결국 제가 병신인 거죠",
    ],
)
def test_complaints_about_things_and_oneself_pass(text: str) -> None:
    assert match_korean(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "'틀딱'이라는 말은 왜 혐오 표현인가요?",
        "짱깨라는 단어를 쓰지 맙시다",
        '"병신"의 어원이 궁금합니다',
        "장애인은 벌레가 아니다",
        "중국인이 미개하다고 말하는 사람들",
        "그는 나를 인간 쓰레기라고 불렀다",
    ],
)
def test_talk_about_abuse_passes(text: str) -> None:
    assert match_korean(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "조선족들은 다 죽여야 한다, 차별",
        "너 이 개새끼 죽여버린다 번역",
        "짱깨들은 다 미개하다 표현의 자유",
        "표현의 자유니까 짱깨들은 다 미개하다",
        "너를 죽여버릴거야 게임",
        "게임하다가 너 찾아가서 죽여버린다 진짜",
        "외국인들 다 추방해라 혐오 아님",
        "틀딱들 나가 죽어라 번역해",
        "단어 병신아",
        "뒤져라 게임",
        "짱깨들 뜻 미개하다",
        "병신아 무슨 뜻",
        "틀딱 새끼들 뜻도 모르네",
    ],
)
def test_a_word_beside_the_abuse_does_not_excuse_it(text: str) -> None:
    assert match_korean(text)


def test_abuse_counts_at_the_border_of_windows() -> None:
    for length in range(7_000, 8_500, 13):
        assert match_korean("나무 " * (length // 3) + "틀딱들 다 나가 죽어라. " + "구름 " * 1_500), length


def test_no_single_call_of_a_pattern_covers_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def record(text: str) -> str:
        lengths.append(len(text))
        return normalise_korean(text)

    monkeypatch.setattr(rules, "normalise_korean", record)
    match_korean("여자 " * 40_000)
    assert max(lengths) < 10_000


def test_a_vocative_counts_in_a_sentence_about_words() -> None:
    assert match_korean("그런 표현 쓰지 마 병신아")


def test_mention_in_another_sentence_does_not_excuse() -> None:
    assert match_korean("이 표현이 맞나요? 틀딱들 다 죽었으면.")


def test_a_quotation_counts_in_an_answer() -> None:
    text = "'틀딱들아 나가 죽어라'"
    assert match_abuse(text) == []
    assert match_abuse(text, quoted=True)


def test_normal_form_keeps_plain_text() -> None:
    text = "파이썬에서 리스트와 튜플은 어떻게 다른가요? 예: 1.5배, 3~5개."
    assert normalise_korean(text) == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "여자들은 미개 ",
        "중국놈들 ",
        "틀딱이라는 말 ",
        "여자들은 다 진짜 정말 ",
        "씨이",
        "쓰레기 같은 ",
        "ㅅㅂ ",
        "저런 것 ",
        "나 병신 ",
        "나한테 씨발 ",
        "개 …",
        "“…",
    ],
)
def test_cost_of_korean_abuse_grows_linearly(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNITS, "abuse", unit)
    assert growth(match_korean, "abuse", 2_000) <= 9
