"""Names by which people introduce themselves in English. Other names need a named-entity model."""

from __future__ import annotations

import re

from septet_guardrails.domain.pii.recogniser import Recogniser

_WORD = r"[A-ZÀ-ÖØ-ÞĀČĎĐĒĘĚŁŃŇŌŐŘŚŠŤŪŮŰŹŻŽ][\w'’-]{1,20}"
_INITIAL = r"[A-Z]\."
_FULL = rf"{_WORD}(?: (?:{_INITIAL}|{_WORD})){{0,3}}"

ENGLISH_NAMES: tuple[Recogniser, ...] = (
    Recogniser(
        "PERSON",
        re.compile(rf"\b[Mm]y (?:full |first |last )?name(?:'s|’s| is) ({_FULL})"),
        0.8,
        marks=("my ",),
    ),
    Recogniser(
        "PERSON",
        re.compile(
            rf"\b(?:[Tt]his is|I am|I'm) ({_WORD}(?: {_INITIAL})?(?: {_WORD}){{0,2}})(?=,? (?:calling|speaking|here)\b)"
        ),
        0.8,
        marks=("calling", "speaking", "here"),
    ),
    Recogniser(
        "PERSON",
        re.compile(
            rf"\b(?:[Nn]ame|[Cc]ardholder|[Aa]ccount holder|[Pp]atient|[Cc]ustomer|[Rr]ecipient): {{0,8}}({_FULL})"
        ),
        0.75,
        context=re.compile(r"address|phone|e-?mail|\bssn\b|birth|card", re.IGNORECASE),
        marks=("name:", "holder:", "patient:", "customer:", "recipient:"),
    ),
)
