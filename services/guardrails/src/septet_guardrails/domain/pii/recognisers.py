"""Recognisers of personal data by pattern, checksum and context words; no model is needed.

A recogniser with a checksum or an unmistakable form fires by itself; a bare run of digits fires only where
a context word ("passport", "여권") stands near it.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from septet_guardrails.domain.pii import checksums

_CONTEXT_REACH = 48


@dataclass(frozen=True)
class Span:
    """A piece of personal data: entity name, character offsets, confidence 0 to 1."""

    entity: str
    start: int
    end: int
    score: float

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


def _always(_: str) -> bool:
    return True


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # Loopback and "any" addresses tell nothing about anybody; they are common in technical questions.
    return not (address.is_loopback or address.is_unspecified or text in {"255.255.255.255", "::"})


_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ]\d{1,2}|(?:19|20)\d\d ?[-–] ?(?:19|20)\d\d|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d"
)


def _is_phone(text: str) -> bool:
    digits = checksums.digits_of(text)
    return 7 <= len(digits) <= 15 and len(set(digits)) > 2 and not _DATE.fullmatch(text)


@dataclass(frozen=True)
class Recogniser:
    """A pattern (its group 1, or else all of it, is the span), a check, and optional context words.

    Whatever it finds has at least so many ASCII ``digits``, and one of ``marks`` (lower case) if there are any.
    """

    entity: str
    pattern: re.Pattern[str]
    score: float
    check: Callable[[str], bool] = _always
    context: re.Pattern[str] | None = None
    digits: int = 0
    marks: tuple[str, ...] = ()

    def find(self, text: str) -> Iterable[Span]:
        """Spans of ``text`` that match, pass the check and, if required, have a context word near."""
        for match in self.pattern.finditer(text):
            group = 1 if match.re.groups and match.group(1) is not None else 0
            start, end = match.span(group)
            near = text[max(0, start - _CONTEXT_REACH) : end + _CONTEXT_REACH // 2]
            if self.check(match.group(group)) and (self.context is None or self.context.search(near)):
                yield Span(self.entity, start, end, self.score)


def _r(
    entity: str,
    pattern: str,
    score: float,
    check: Callable[[str], bool] = _always,
    context: str | None = None,
    *,
    digits: int = 0,
    marks: tuple[str, ...] = (),
) -> Recogniser:
    near = re.compile(context, re.IGNORECASE) if context else None
    # ASCII: a Korean particle may follow a number without a space, so Hangul must not count as a word character.
    return Recogniser(
        entity, re.compile(pattern, re.IGNORECASE | re.ASCII), score, check, near, digits, marks
    )


_PHONE_CONTEXT = (
    r"phone|\bcall|\btel\b|mobile|\bcell\b|\bfax\b|\btext me|reach me|contact|(?:my|your|his|her|their|our|the|mobile) number\b|\bdial|hotline|office\b|desk:|registered"
    r"|answering|messages to|전화|연락처|휴대|핸드폰|문의"
)
_NOT_INSIDE = r"(?<![\w.@/=#+-])"
_ENDS = r"(?![\w-]|\.\d)"

RECOGNISERS: tuple[Recogniser, ...] = (
    _r("EMAIL", r"(?<![\w.+-])[a-z0-9][a-z0-9._%+'-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,62})\.){1,8}[a-z]{2,24}(?![\w])", 1.0, marks=("@",)),
    _r("EMAIL", r"[\w.+-]{1,64}\s*(?:\[at\]|\(at\)|골뱅이)\s*[a-z0-9-]{1,63}\s*(?:\.|\[dot\]|\(dot\)|점)\s*(?:com|net|org|co|kr|io)\b", 0.9, marks=("[at]", "(at)", "골뱅이")),
    _r("IBAN", r"(?<!\w)[A-Z]{2}\d{2}[A-Z0-9]{11,30}(?!\w)", 1.0, checksums.iban, digits=2),
    _r("IBAN", r"(?<!\w)(?-i:[A-Z]{2}\d{2}(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)(?!\w)", 1.0, checksums.iban, digits=2),
    _r("CREDIT_CARD", r"(?<![\w.+-])\d{12,19}(?![\d]|[.-]\d)", 1.0, checksums.payment_card, digits=12),
    _r("CREDIT_CARD", r"(?<![\w.+-])(?:\d{4}(?:[ -]\d{4}){3}|\d{4}[ -]\d{6}[ -]\d{4,5})(?!\d)", 1.0, checksums.payment_card, digits=14),
    _r("CREDIT_CARD", r"(?<![\w.+-])\d{12,19}(?![\d]|[.-]\d)", 0.95, checksums.luhn, r"card|credit|visa|카드|결제", digits=12),
    _r("KR_RRN", r"(?<!\d)\d{6}[ ]?[-–—][ ]?[0-9]\d{6}(?!\d)", 1.0, checksums.resident_registration, digits=13),
    _r("KR_RRN", r"(?<!\d)\d{13}(?!\d)", 0.9, checksums.resident_registration, r"주민|등록\s*번호|resident|rrn", digits=13),
    _r("KR_RRN", r"(?<!\d)\d{6}[ ]?-[ ]?[1-8]\d{6}(?!\d)", 0.8, _always, r"주민|등록\s*번호|resident\s+registration|rrn", digits=13),
    _r("US_SSN", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", 0.95, checksums.social_security, digits=9),
    _r("US_SSN", r"(?<![\d-])\d{3}[ .]?\d{2}[ .]?\d{4}(?![\d-])", 0.85, checksums.social_security, r"ssn|social\s*security|사회\s*보장", digits=9),
    _r("PHONE", rf"{_NOT_INSIDE}(?:\+?82[- .]?(?:\(0\))?|\(?0)1[016789]\)?[- .]?\d{{3,4}}[- .]?\d{{4}}{_ENDS}", 0.95, _is_phone, digits=10),
    _r("PHONE", rf"{_NOT_INSIDE}\(?0(?:2|[3-6]\d|70|50\d)\)?[- .]\d{{3,4}}[- .]\d{{4}}{_ENDS}", 0.9, _is_phone, digits=9),
    _r("PHONE", rf"{_NOT_INSIDE}\+\d{{1,3}}(?:[ .-]?\(?\d{{1,4}}\)?){{2,6}}{_ENDS}", 0.9, _is_phone, digits=7),
    _r("PHONE", rf"{_NOT_INSIDE}(?:\+?1[ .-]?)?(?:\(\d{{3}}\)[ .-]?|\d{{3}}[.-])\d{{3}}[ .-]\d{{4}}(?:\s?(?:x|ext\.?)\s?\d{{1,6}})?{_ENDS}", 0.9, _is_phone, digits=10),
    _r("PHONE", rf"{_NOT_INSIDE}(?:00\d{{1,3}}[ .-])?\(?\d{{2,5}}\)?(?:[ .-]\d{{2,8}}){{1,5}}(?![a-z0-9_]|\.\d|-\d)", 0.7, _is_phone, _PHONE_CONTEXT, digits=7),
    _r("PHONE", rf"{_NOT_INSIDE}\d{{9,12}}{_ENDS}", 0.6, _is_phone, r"phone|call me|mobile|\btel\b|\bfax\b|전화|연락처|휴대|핸드폰", digits=9),
    _r("IP_ADDRESS", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", 0.9, _is_ip, digits=4),
    _r("IP_ADDRESS", r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:.])", 0.9, lambda t: t.count(":") >= 3 and _is_ip(t), marks=(":",)),
    _r("PASSPORT", r"(?<!\w)[A-Z]{1,2}\d{7,8}(?!\w)|(?<!\w)[A-Z]\d{3}[A-Z]\d{4}(?!\w)|(?<!\w)\d{9}(?!\w)", 0.85, _always, r"passport|여권", digits=7),
    _r("DRIVER_LICENSE", r"(?<!\d)\d{2}-\d{2}-\d{6}-\d{2}(?!\d)", 0.95, digits=12),
    _r("DRIVER_LICENSE", r"(?<!\w)[A-Z]?\d{7,14}(?!\w)|(?<!\d)\d{4}-\d{2}-\d{4}(?!\d)", 0.8, _always, r"driv(?:er|ing)\S*\s+licen[cs]e|운전\s*면허", digits=7),
    _r("KR_BUSINESS", r"(?<!\d)\d{3}-\d{2}-\d{5}(?!\d)", 0.9, checksums.business_registration, digits=10),
    _r("BANK_ACCOUNT", r"(?<![\d-])(?:\d{2,6}-){2,3}\d{2,7}(?![\d-])|(?<!\d)\d{10,14}(?!\d)", 0.8, _always, r"계좌|account\s*(?:no|num|#)", digits=6),
    _r("API_KEY", r"(?<!\w)(?:sk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abpr]-[\w-]{10,})(?!\w)", 1.0, marks=("sk-", "akia", "gh", "xox")),
)  # fmt: skip

ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(recogniser.entity for recogniser in RECOGNISERS))


def find_pii(text: str, entities: frozenset[str] | None = None, extra: Iterable[Span] = ()) -> list[Span]:
    """Find personal data, without overlaps, in order of appearance.

    Args:
        entities: names to look for; None for all.
        extra: spans that another finder (a named-entity model) saw; patterns take precedence over them.
    """
    lowered, digits = text.lower(), sum(map(text.count, "0123456789"))
    found = [
        span
        for recogniser in RECOGNISERS
        if (entities is None or recogniser.entity in entities)
        and digits >= recogniser.digits
        and (not recogniser.marks or any(mark in lowered for mark in recogniser.marks))
        for span in recogniser.find(text)
    ]
    kept: list[Span] = []
    for span in sorted((*found, *extra), key=lambda s: (-s.score, s.start - s.end)):
        # Kept spans are in order and apart, so only the two neighbours can overlap.
        at = bisect_left(kept, span.start, key=lambda s: s.start)
        if not any(span.overlaps(other) for other in kept[max(0, at - 1) : at + 1]):
            kept.insert(at, span)
    return kept
