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
        "할머니가 전화를 안 받아요",
        "의사가 면허를 박탈당하는 사유는",
        "불법체류자가 강제추방되면 재입국이 가능한가요",
        "일본이 핵폭탄을 맞은 연도는",
        "천주교는 지옥을 어떻게 설명하나요",
        "올해 공무원 안 뽑나요",
        "의사 안 만나고 처방받을 수 있나요",
        "외국인이 국민연금을 안 받으려면",
        "할아버지가 지옥철을 타고",
        "너 종족이 뭐야",
        "업종특화 대출 상품이 궁금해요",
        "품종특성표는 어디서 보나요",
        "분수꼴로 나타내는 방법",
        "공개독서회 신청",
        "스마트퀴즈 참여 방법",
        "고추씨발아 온도는",
        "의사 시키고 싶은데 어떻게 해야 하나요",
        "연극 배우 시키는 학원",
        "저 시키신 대로 했는데요",
        "알약 2개 세끼 먹나요",
        "오전 9시발 KTX 좌석",
        "면상 발열체 시공 비용",
        "과메기 들어간 요리",
        "저 새끼 판다는 몇 살인가요",
        "한강 가서 하는 운동",
        "이 공사가 이년은 걸린다",
        "대구 대가리 손질하는 법",
        "일본 바퀴벌레는 왜 큰가요",
        "할머니가 바퀴벌레를 봤어요",
        "중국 바퀴벌레 종류",
        "노인 냄새가 나는 이유는 무엇인가요",
        "여자 뇌가 남자와 다른가요",
        "외국인 범죄자 통계를 보여 주세요",
        "중국인 범죄자 인도 조약",
        "동성애자 에이즈 감염률",
        "이슬람 테러리스트 단체 이름",
        "일본 미개봉 제품을 샀어요",
        "일본이 드러낸 속내",
        "의사가 암덩어리를 제거했어요",
        "할머니 핸드폰이 자꾸 꺼져요",
        "할머니가 갑자기 사라져 버렸어요",
        "경찰이 집을 뒤져도 되나요",
        "경찰이 가방을 뒤졌어요",
        "할머니 화분이 다 죽었어요",
        "외국인이 빨리 가는 방법",
        "중국의 반발이 거세다",
        "일본에 폭탄 투하된 날",
        "장애인은 수업을 분리해야 하나요",
        "외국인은 14일 격리해야 하나요",
        "불법체류자는 추방해야 하나요",
        "외국인은 보험금을 받지 말아야 하나요",
        "경찰이 CCTV를 설치네요",
        "왼쪽발이 저려요",
        "한쪽발이 부었어요",
        "정보빨리 받는 방법",
        "영토왜곡 문제",
        "언제까지잡아 두나요",
        "바지잡는 방법",
        "틀니 딱딱한 음식 먹어도 되나요",
        "틀니 충치",
        "홍어종류 알려줘",
        "홍어 특징",
        "홍어국 끓이는 법",
        "오늘 날씨발표 몇 시",
        "솜씨발휘 대회",
        "3개 넘게 주문하면 할인되나요",
        "10개 넘는 상품",
        "2개 같은 것으로 주세요",
        "강아지 개 같은 것을 키우고 싶어요",
        "x 같은 것을 변수로 쓰나요",
        "벌레 같은 게 있어요",
        "네가 사람인가 AI인가",
        "네가 사람이라고 가정하고 답해줘",
        "너는 사람이 아니잖아",
        "글의 주제 파악 방법",
        "글의 주제 파악 좀 해줘",
        "부모 없는 아이",
        "바다 쓰레기들은 어디로 가나요",
        "해파리는 뇌가 없나요",
        "뇌는 어디에 있나요",
        "뇌에 주름이 많으면 똑똑한가요",
        "이 집은 살 가치가 있나요",
        "그 머리로 염색하고 싶어요",
        "저 얼굴로 인증할 수 있나요",
        "왜 사는지 모르겠어요",
        "주식을 왜 사는지 궁금해요",
        "외국인이 자기 나라로 돌아가려면",
        "칼 맞는 꿈 해몽",
        "칼로 찔러 보아 익었는지 확인",
        "칼로 찔린 상처 치료",
        "사지를 쓰지 못하는 환자",
        "벼락 맞아 죽을 확률",
        "코로나 걸려 죽은 사람 수",
        "정신병원 가서 치료 받으려면",
        "능지처참이란 어떤 형벌인가요",
        "불태워 죽인 마녀 재판",
        "서류를 뒤져 보니 없네요",
        "배터리가 빨리 꺼져 불편해요",
        "물고기가 자꾸 죽어버려요",
        "임신 중에 엿 먹어도 되나요",
        "위험이 닥쳐 올 때",
        "영향을 미친 것들",
        "갈보리 교회 위치",
        "자살 각오",
        "시블링 컴포넌트",
        "c바인딩 만드는 법",
        "이 쉑쉑버거 가격",
        "시바 왜 이렇게 털이 빠져요",
        "한남아파트 시세",
        "성령충만이란",
        "일본이 독립운동가를 총살해 버린 사건",
        "여자가 아이를 낳지 못하게 된 사례",
        "노인이 버린 쓰레기",
        "외국인이 싫어하는 벌레",
        "외국인은 인권이 없나요",
        "의사 면허 안 받아도 되나요",
        "검사 안 받아도 되나요",
        "코로나 검사 받지 말라는데 왜죠",
        "여자 답이 없어요",
        "중국은 왜 일본을 안 믿나요",
        "교회에서 불매 운동을 하나요",
        "지옥철 시간대",
        "할머니를 못 나오게 하려면",
        "소감독서 감상",
        "사무용품종특가",
        "올해시발점",
        "세 시 발 버스",
        "고양이 새끼는 언제 눈을 뜨나요",
        "개 새끼는 몇 마리 낳나요",
        "돼지 새끼는 몇 마리 낳나요",
        "새끼 꼬는 방법",
        "의사 년차별 연봉",
        "검사 년 1회 받나요",
        "대표 년 2회 보고",
        "이년은 너무 길어요",
        "이년 또 연장되나요",
        "동성애는 정신병인가요",
        "노인 정신병 종류",
        "종특례 대상",
        "강아지 세끼 먹이나요",
        "애들 하루 세끼",
        "학생 시키는 방법",
        "감독 시키면 되나요",
        "일본이 열등감을 느끼나요",
        "중국이 지옥이라는 영화",
    ],
)
def test_questions_with_a_fragment_or_about_a_group_pass(text: str) -> None:
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
        "개 …",
        "“…",
    ],
)
def test_cost_of_korean_abuse_grows_linearly(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNITS, "abuse", unit)
    assert growth(match_korean, "abuse", 2_000) <= 9
