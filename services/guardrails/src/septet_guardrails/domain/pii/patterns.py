"""Patterns of addresses on networks and of numbers that identify people, with the checksum or the context words that confirm a match.

A pattern with a checksum or an unambiguous form matches alone. A plain run of digits matches only near a context
word such as "passport" or "여권".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from septet_guardrails.domain.pii import checksums
from septet_guardrails.domain.pii.recogniser import NOT_AFTER_STOP, Recogniser, accept_any


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # Loopback and "any" addresses identify nobody and are common in technical questions.
    return not (address.is_loopback or address.is_unspecified or text in {"255.255.255.255", "::"})


def _is_ipv6(text: str) -> bool:
    return text.count(":") >= 3 and _is_ip(text)


_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ]\d{1,2}|(?:19|20)\d\d ?[-–] ?(?:19|20)\d\d|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d"
)


def _is_phone(text: str) -> bool:
    digits = checksums.digits_of(text)
    return 7 <= len(digits) <= 15 and len(set(digits)) > 2 and not _DATE.fullmatch(text)


def _recogniser(
    entity: str,
    pattern: str,
    score: float,
    check: Callable[[str], bool] = accept_any,
    *,
    context: str | None = None,
    digits: int = 0,
    marks: tuple[str, ...] = (),
) -> Recogniser:
    context_pattern = re.compile(context, re.IGNORECASE) if context else None
    # With ASCII, Hangul is no word character: a Korean particle may follow a number without a space.
    compiled = re.compile(pattern, re.IGNORECASE | re.ASCII)
    return Recogniser(entity, compiled, score, check, context_pattern, digits, marks)


_PHONE_CONTEXT = (
    r"phone|\bcall|\btel\b|mobile|\bcell\b|\bfax\b|\btext me|reach me|contact|(?:my|your|his|her|their|our|the|mobile) number\b|\bdial|hotline|office\b|desk:|registered"
    r"|answering|messages to|전화|연락처|휴대|핸드폰|문의"
)
# A full stop after a letter ends a sentence; after a digit it belongs to a number or a version.
_NOT_INSIDE = r"(?<![\w@/=#+-])(?:(?<!\.)|(?<=[a-z가-힣]\.))"
_ENDS = r"(?![\w-]|\.\d)"

NUMBERS: tuple[Recogniser, ...] = (
    _recogniser(
        "EMAIL",
        rf"(?<![\w+-]){NOT_AFTER_STOP}(?!git@)[a-z0-9][a-z0-9._%+'-]{{0,63}}@(?:[a-z0-9](?:[a-z0-9-]{{0,62}})\.){{1,8}}[a-z]{{2,24}}(?![\w])",
        1.0,
        marks=("@",),
    ),
    _recogniser(
        "EMAIL",
        r"[\w+-](?:[\w.+-]{0,62}[\w+-])?\s*(?:\[at\]|\(at\)|골뱅이)\s*[a-z0-9-]{1,63}\s*(?:\.|\[dot\]|\(dot\)|점)\s*(?:com|net|org|co|kr|io)\b",
        0.9,
        marks=("[at]", "(at)", "골뱅이"),
    ),
    _recogniser("IBAN", r"(?<!\w)[A-Z]{2}\d{2}[A-Z0-9]{11,30}(?!\w)", 1.0, checksums.iban, digits=2),
    _recogniser(
        "IBAN",
        r"(?<!\w)(?-i:[A-Z]{2}\d{2}(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)(?!\w)",
        1.0,
        checksums.iban,
        digits=2,
    ),
    _recogniser(
        "CREDIT_CARD",
        rf"(?<![\w+-]){NOT_AFTER_STOP}\d{{12,19}}(?![\d]|[.-]\d)",
        1.0,
        checksums.payment_card,
        digits=12,
    ),
    _recogniser(
        "CREDIT_CARD",
        rf"(?<![\w+-]){NOT_AFTER_STOP}(?:\d{{4}}(?:[ -]\d{{4}}){{3}}|\d{{4}}[ -]\d{{6}}[ -]\d{{4,5}})(?!\d)",
        1.0,
        checksums.payment_card,
        digits=14,
    ),
    _recogniser(
        "CREDIT_CARD",
        rf"(?<![\w+-]){NOT_AFTER_STOP}\d{{12,19}}(?![\d]|[.-]\d)",
        0.95,
        checksums.luhn,
        context=r"card|credit|visa|카드|결제",
        marks=("card", "credit", "visa", "카드", "결제"),
        digits=12,
    ),
    _recogniser(
        "KR_RRN",
        r"(?<!\d)\d{6}[ ]?[-–—][ ]?[0-9]\d{6}(?!\d)",
        1.0,
        checksums.resident_registration,
        digits=13,
    ),
    _recogniser(
        "KR_RRN",
        r"(?<!\d)\d{13}(?!\d)",
        0.9,
        checksums.resident_registration,
        context=r"주민|등록\s*번호|resident|rrn",
        marks=("주민", "등록", "resident", "rrn"),
        digits=13,
    ),
    _recogniser(
        "KR_RRN",
        r"(?<!\d)\d{6}[ ]?-[ ]?[1-8]\d{6}(?!\d)",
        0.8,
        context=r"주민|등록\s*번호|resident\s+registration|rrn",
        marks=("주민", "등록", "resident", "rrn"),
        digits=13,
    ),
    # The birth date of a number whose second half is hidden.
    _recogniser(
        "KR_RRN",
        r"(?<!\d)\d{2}(?:0\d|1[0-2])[0-3]\d[ ]?-[ ]?[0-9][*xX●○]{6}(?!\w)",
        0.8,
        context=r"주민|등록\s*번호|resident\s+registration|rrn",
        marks=("주민", "등록", "resident", "rrn"),
        digits=7,
    ),
    _recogniser("US_SSN", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", 0.95, checksums.social_security, digits=9),
    _recogniser(
        "US_SSN",
        r"(?<![\d-])\d{3}[ .]?\d{2}[ .]?\d{4}(?![\d-])",
        0.85,
        checksums.social_security,
        context=r"ssn|social\s*security|사회\s*보장",
        marks=("ssn", "social", "사회"),
        digits=9,
    ),
    _recogniser(
        "PHONE",
        rf"{_NOT_INSIDE}(?:\(?\+?82\)?[- .]?(?:\(0\))?|\(?0)1[016789]\)?(?:[- .]|[ ]-[ ])?\d{{3,4}}(?:[- .]|[ ]-[ ])?\d{{4}}{_ENDS}",
        0.95,
        _is_phone,
        digits=10,
    ),
    _recogniser(
        "PHONE",
        rf"{_NOT_INSIDE}\(?0(?:2|[3-6]\d|70|50\d)(?:\)[- .]?|[- .])\d{{3,4}}[- .]\d{{4}}{_ENDS}",
        0.9,
        _is_phone,
        digits=9,
    ),
    _recogniser(
        "PHONE", rf"{_NOT_INSIDE}\+\d{{1,3}}(?:[ .-]?\(?\d{{1,4}}\)?){{2,6}}{_ENDS}", 0.9, _is_phone, digits=7
    ),
    _recogniser(
        "PHONE",
        rf"{_NOT_INSIDE}(?:\+?1[ .-]?)?(?:\(\d{{3}}\)[ .-]?|\d{{3}}[.-])\d{{3}}[ .-]\d{{4}}(?:\s?(?:x|ext\.?)\s?\d{{1,6}})?{_ENDS}",
        0.9,
        _is_phone,
        digits=10,
    ),
    _recogniser(
        "PHONE",
        rf"{_NOT_INSIDE}(?:00\d{{1,3}}[ .-])?\(?\d{{2,5}}\)?(?:[ .-]\d{{2,8}}){{1,5}}(?![a-z0-9_]|\.\d|-\d)",
        0.7,
        _is_phone,
        context=_PHONE_CONTEXT,
        digits=7,
    ),
    _recogniser(
        "PHONE",
        rf"{_NOT_INSIDE}\d{{9,12}}{_ENDS}",
        0.6,
        _is_phone,
        context=r"phone|call me|mobile|\btel\b|\bfax\b|전화|연락처|휴대|핸드폰",
        marks=("phone", "call me", "mobile", "tel", "fax", "전화", "연락처", "휴대", "핸드폰"),
        digits=9,
    ),
    _recogniser(
        "IP_ADDRESS",
        rf"(?<!\w){NOT_AFTER_STOP}(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\w]|\.\d)",
        0.9,
        _is_ip,
        digits=4,
    ),
    _recogniser(
        "IP_ADDRESS",
        rf"(?<![\w:]){NOT_AFTER_STOP}(?:[0-9a-f]{{0,4}}:){{2,7}}[0-9a-f]{{0,4}}(?![\w:.])",
        0.9,
        _is_ipv6,
        marks=(":",),
    ),
    _recogniser(
        "PASSPORT",
        r"(?<!\w)[A-Z]{1,2}\d{7,8}(?!\w)|(?<!\w)[A-Z]\d{3}[A-Z]\d{4}(?!\w)|(?<!\w)\d{9}(?!\w)",
        0.85,
        context=r"passport|여권",
        marks=("passport", "여권"),
        digits=7,
    ),
    _recogniser("DRIVER_LICENSE", r"(?<!\d)\d{2}-\d{2}-\d{6}-\d{2}(?!\d)", 0.95, digits=12),
    _recogniser(
        "DRIVER_LICENSE",
        r"(?<!\w)[A-Z]?\d{7,14}(?!\w)|(?<!\d)\d{4}-\d{2}-\d{4}(?!\d)",
        0.8,
        context=r"driv(?:er|ing)\S*\s+licen[cs]e|운전\s*면허",
        marks=("driv", "운전"),
        digits=7,
    ),
    _recogniser(
        "KR_BUSINESS", r"(?<!\d)\d{3}-\d{2}-\d{5}(?!\d)", 0.9, checksums.business_registration, digits=10
    ),
    _recogniser(
        "KR_BUSINESS",
        r"(?<![\d-])\d{3}[ ]?\d{2}[ ]?\d{5}(?![\d-])",
        0.9,
        checksums.business_registration,
        context=r"사업자|business\s+(?:registration|number)",
        marks=("사업자", "business"),
        digits=10,
    ),
    _recogniser(
        "BANK_ACCOUNT",
        r"(?<![\d-])(?:\d{2,6}-){2,3}\d{2,7}(?![\d-])|(?<!\d)\d{10,14}(?!\d)",
        0.8,
        context=r"계좌|account\s*(?:no|num|#)",
        marks=("계좌", "account"),
        digits=6,
    ),
    _recogniser(
        "API_KEY",
        r"(?<!\w)(?:sk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abpr]-[\w-]{10,})(?!\w)",
        1.0,
        marks=("sk-", "akia", "gh", "xox"),
    ),
)
