"""Precision and recall of the personal-data recognisers by entity.

    SEPTET_DATA=… python -m benchmarks.guardrails.pii

English: Presidio's synthetic sentences. Korean: generated sentences with valid check digits, and near misses (a wrong
check digit, a date, an order number), which must not match.
"""

from __future__ import annotations

import random
import time
from collections import Counter

from septet_guardrails.domain.pii import find_pii
from septet_guardrails.domain.pii.checksums import digits_of, resident_registration

from benchmarks.guardrails.sets import rows, save

NAMES = {
    "EMAIL_ADDRESS": "EMAIL",
    "CREDIT_CARD": "CREDIT_CARD",
    "US_SSN": "US_SSN",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP_ADDRESS",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
}
Counts = dict[str, Counter[str]]


def tally(
    counts: Counter[str], text: str, wanted: list[tuple[str, int, int]], others: list[tuple[int, int]]
) -> None:
    """Count hits, misses and false alarms. An overlap is a hit; a match in ``others`` is no false alarm."""
    found = find_pii(text)
    for entity, start, end in wanted:
        hit = any(s.entity == entity and s.start < end and start < s.end for s in found)
        counts[f"{entity} {'hit' if hit else 'miss'}"] += 1
    expected = [*others, *((start, end) for _, start, end in wanted)]
    for span in found:
        if not any(span.start < end and start < span.end for start, end in expected):
            counts[f"{span.entity} false"] += 1


def english() -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows("presidio_synth_pii/sentences"):
        spans = [(s["type"], s["start"], s["end"]) for s in row["spans"]]
        wanted = [(NAMES[kind], start, end) for kind, start, end in spans if kind in NAMES]
        tally(counts, row["text"], wanted, [])
    return counts


def korean_number(chance: random.Random) -> str:
    """A resident registration number with a valid check digit."""
    while True:
        body = f"{chance.randrange(50, 99)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}-{chance.choice('12')}"
        body += f"{chance.randrange(100_000):05}"
        for check in range(10):
            if resident_registration(f"{body}{check}"):
                return f"{body}{check}"


def korean(count: int = 300) -> Counter[str]:
    chance, counts = random.Random(3), Counter[str]()
    for _ in range(count):
        mobile = f"010-{chance.randrange(2000, 9999)}-{chance.randrange(10_000):04}"
        resident = korean_number(chance)
        wrong = f"{resident[:-1]}{(digits_of(resident)[-1] + 1) % 10}"
        for entity, value, frame in (
            ("PHONE", mobile, "제 번호는 {}입니다. 연락 주세요."),
            ("PHONE", mobile.replace("-", ""), "휴대폰 {}으로 전화해 주세요."),
            ("KR_RRN", resident, "주민등록번호 {}를 확인해 주세요."),
            ("EMAIL", f"user{chance.randrange(999)}@example.co.kr", "메일은 {}로 보내세요."),
            ("", wrong, "일련 {}는 제품 코드입니다."),
            ("", f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}", "행사는 {}에 열립니다."),
            ("", f"{chance.randrange(10**9, 10**10)}", "주문 {}의 상태는 어떤가요?"),
        ):
            start = frame.index("{}")
            wanted = [(entity, start, start + len(value))] if entity else []
            tally(counts, frame.format(value), wanted, [])
    return counts


def table(counts: Counter[str]) -> dict[str, dict[str, float]]:
    """Precision and recall per entity."""
    found = {}
    for entity in sorted({key.split()[0] for key in counts}):
        hit, miss, false = (counts[f"{entity} {kind}"] for kind in ("hit", "miss", "false"))
        found[entity] = {
            "n": hit + miss,
            "recall": round(hit / max(hit + miss, 1), 3),
            "precision": round(hit / max(hit + false, 1), 3),
            "false_alarms": false,
        }
    return found


def main() -> None:
    texts = [row["text"] for row in rows("presidio_synth_pii/sentences")]
    began = time.perf_counter()
    for text in texts:
        find_pii(text)
    mean = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
    body = {
        "english_presidio_synthetic": table(english()),
        "korean_made": table(korean()),
        "mean_ms": round(mean, 3),
    }
    save("pii", body)


if __name__ == "__main__":
    main()
