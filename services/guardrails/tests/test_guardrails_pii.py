"""Recognisers of personal data, checksums, and masking."""

from __future__ import annotations

import pytest
from septet_guardrails.domain.pii import Masker, Span, find_pii
from septet_guardrails.domain.pii.checksums import iban, luhn, resident_registration, social_security


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
        "900101-1234567 is not a resident's number",
        "a SHA like 0123456789abcdef0123456789abcdef",
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
