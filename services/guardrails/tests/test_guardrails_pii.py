"""Recognisers of personal data, checksums, and masking."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.pii import Masker, Span, find_pii
from septet_guardrails.domain.pii.checksums import (
    business_registration,
    iban,
    luhn,
    resident_registration,
    social_security,
)


def mask(text: str) -> str:
    return Masker().mask(text, find_pii(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jane.doe+x@example.co.uk now", "mail <EMAIL_1> now"),
        ("제 이메일은 kim@example.co.kr로 보내주세요", "제 이메일은 <EMAIL_1>로 보내주세요"),
        ("제 번호는 010-1234-5678이고 집은 02-345-6789", "제 번호는 <PHONE_1>이고 집은 <PHONE_2>"),
        ("call +82 10 9876 5432 or (212) 555-0123", "call <PHONE_1> or <PHONE_2>"),
        ("카드4111 1111 1111 1111로 결제", "카드<CREDIT_CARD_1>로 결제"),
        ("card 4111-1111-1111-1111 12/27", "card <CREDIT_CARD_1> 12/27"),
        ("IBAN DE89 3704 0044 0532 0130 00 and so on", "IBAN <IBAN_1> and so on"),
        ("from GB82WEST12345698765432 to other accounts", "from <IBAN_1> to other accounts"),
        ("my SSN is 536-22-8726", "my SSN is <US_SSN_1>"),
        ("주민번호 900101-1234568입니다", "주민번호 <KR_RRN_1>입니다"),
        ("여권번호 M12345678입니다", "여권번호 <PASSPORT_1>입니다"),
        ("server 10.20.30.40 is down", "server <IP_ADDRESS_1> is down"),
        ("key sk-abcdefghijklmnopqrstuvwx works", "key <API_KEY_1> works"),
        ("팩스 02)789-0123, 휴대폰 010 - 5555 - 6789", "팩스 <PHONE_1>, 휴대폰 <PHONE_2>"),
        ("(+82) 10 7777 8901로 전화", "<PHONE_1>로 전화"),
        ("사업자번호: 9287029294", "사업자번호: <KR_BUSINESS_1>"),
        ("주민번호 641121-9******", "주민번호 <KR_RRN_1>"),
        ("제 이름은 김민수입니다", "제 이름은 <PERSON_1>입니다"),
        ("성함: 박서연 / 예금주 한소라 계좌", "성함: <PERSON_1> / 예금주 <PERSON_2> 계좌"),
        ("윤지아 씨와 조은비님, 강도현 고객님", "<PERSON_1> 씨와 <PERSON_2>님, <PERSON_3> 고객님"),
        ("송재혁 대리가 김 철수 씨에게", "<PERSON_1> 대리가 <PERSON_2> 씨에게"),
        ("안녕하세요, 배수아입니다", "안녕하세요, <PERSON_1>입니다"),
        ("저는 남궁민재라고 합니다", "저는 <PERSON_1>라고 합니다"),
        ("서울특별시 강남구 가온로 152, 101동 1203호입니다", "<ADDRESS_1>입니다"),
        ("부산 해운대구 물결동 123-4번지로", "<ADDRESS_1>로"),
        ("충북 청주시 흥덕구 솔밭1로 9-3에서", "<ADDRESS_1>에서"),
        ("배송지는 역말로 23번길 8이고", "배송지는 <ADDRESS_1>이고"),
        ("My name is Iva D. Grusová.", "My name is <PERSON_1>."),
        ("send it to 90 Whitchurch Road, please", "send it to <ADDRESS_1>, please"),
        ("at 3565 Friedhofstrasse 33 Suite 979", "at <ADDRESS_1>"),
        ("김철수입니다.010-1234-5678로 전화하세요", "김철수입니다.<PHONE_1>로 전화하세요"),
        ("Ask the desk.212-555-0123 is its number", "Ask the desk.<PHONE_1> is its number"),
        ("메일 주소입니다.Kim@example.co.kr로", "메일 주소입니다.<EMAIL_1>로"),
        ("결제했습니다.4111 1111 1111 1111로", "결제했습니다.<CREDIT_CARD_1>로"),
        ("서버입니다.10.20.30.40 주소로", "서버입니다.<IP_ADDRESS_1> 주소로"),
        ("여기입니다.90 Whitchurch Road, 2층", "여기입니다.<ADDRESS_1>, 2층"),
        ("write to kim.minsu (at) example . com", "write to <EMAIL_1>"),
        ("to P.O. Box 242 and PSC 3294, Box 9168 APO AA 61487", "to <ADDRESS_1> and <ADDRESS_2>"),
    ],
)
def test_masks_personal_data(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "In 2019-2020 there were 12345678 orders, see RFC 7231 and ISBN 978-3-16-148410-0",
        "asyncio.sleep(3600) on 127.0.0.1 with Python 3.11.4",
        "카드 4111 1111 1111 1112",
        "DE89 2704 0044 0532 0130 00",
        "number of items: 1000 2000 3000, due 2026-11-22 at 10:20:30",
        "collections.deque(maxlen=10) @ 2024",
        "M12345678 is a part number",
        "call v1.010-1234-5678 of 3.14, phone model 2.02-345-6789",
        "버전 1.010-1234-5678 문의",
        "900101-1234567 is not a resident's number",
        "a SHA like 0123456789abcdef0123456789abcdef",
        "git clone git@example.com:team/project.git",
        "제 이름은 어디에서 바꾸나요? 고객 지원은? 선생님 계정은? 변호사님은?",
        "담당자 지정은 관리자만, 신청자 명단은 오늘, 이용자님께 공지",
        "전주이씨와 안동김씨, 오늘 서울 날씨",
        "저는 한국인입니다. 이순신 장군은 누구인가요?",
        "기준으로 7,375명, 앞으로 30일, 서울시로 3개, 배송 주소로 2곳, 국도 7호선",
        "제품 코드 123-45-67890, 서울시 2030 계획, 종로 3가, 가로 1920 세로 1080",
        "이 임원님은 어디 계시나요?",
        "In 1980 Mount St. Helens erupted; the top 10 Wall Street banks; Adobe Creative Suite 6",
        "My name is not accepted by the form. I am Korean, and this is Python 3 speaking of speed.",
        "apt 2.4.1 installs 3 Debian packages; Route 66 and US 101 Highway",
    ],
)
def test_does_not_mask_other_numbers(text: str) -> None:
    assert mask(text) == text


def test_equal_values_get_equal_placeholders_across_texts() -> None:
    masker = Masker()
    first = masker.mask("a@b.co wrote", find_pii("a@b.co wrote"))
    second = masker.mask("A@B.co and c@d.co", find_pii("A@B.co and c@d.co"))
    assert (first, second) == ("<EMAIL_1> wrote", "<EMAIL_1> and <EMAIL_2>")


def test_patterns_take_precedence_over_names_and_entities_filter() -> None:
    text = "Card 4111111111111111 of Ann"
    extra = [Span("PERSON", 0, 21, 0.4), Span("PERSON", 25, 28, 0.4)]
    assert [s.entity for s in find_pii(text, extra=extra)] == ["CREDIT_CARD", "PERSON"]
    assert find_pii(text, frozenset({"EMAIL"})) == []


def test_check_digits_of_foreigners_and_businesses() -> None:
    assert resident_registration("620214-5182641") is not resident_registration("620214-5182642")
    assert business_registration("927-38-78676")
    assert not business_registration("927-38-78677")
    assert not business_registration("000-00-00000")


def test_iban_needs_the_structure_of_its_country() -> None:
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("DE89 WEST 1234 5698 7654 32")


def test_checksums_reject_a_wrong_digit() -> None:
    assert luhn("5500 0000 0000 0004")
    assert not luhn("5500 0000 0000 0005")
    assert not luhn("0000 0000 0000 0000")
    assert iban("KR00") is False
    assert iban("NL91ABNA0417164300")
    assert not iban("NL92ABNA0417164300")
    assert resident_registration("900101-1234568")
    assert not resident_registration("901301-1234568")
    assert resident_registration("210101-3000000")  # born after October 2020: no check digit
    assert social_security("536-22-8726")
    assert not social_security("666-22-8726")
    assert not social_security("000-12-3456")
