"""Recall and precision of the personal-data recognisers by entity, and their false alarms.

    SEPTET_DATA=… python -m benchmarks.guardrails.pii

Writes ``results/pii.json``; ``docs/generate/pii_page.py`` makes ``docs/reference/pii.md`` from it.

- English: Presidio's synthetic sentences, by the default policy, and a sample of them with the named-entity model.
- Korean: ``korean_pii.txt``.
- False alarms: texts of public sets with a match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.domain.pii import Span, find_pii

from benchmarks.guardrails.pii_sets import (
    DOCUMENTS,
    PRESIDIO,
    QUESTIONS,
    Mark,
    Marked,
    korean,
    presidio,
    texts,
)
from benchmarks.guardrails.sets import save

SAMPLE = 400
Find = Callable[[str], Sequence[Span]]
# A street address contains the name of its town.
_PLACES = {"ADDRESS", "LOCATION"}


def measure(sentences: Iterable[Marked], find: Find) -> dict[str, dict[str, float]]:
    """Figures by entity.

    ``found``: marks that a span of the entity overlaps. ``whole``: marks of which every letter and digit is in some
    span, so that masking leaves nothing. ``false``: spans that overlap no mark at all. ``confused``: spans that
    overlap marks of other entities only.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        spans = find(sentence.text)
        covered = {at for span in spans for at in range(span.start, span.end)}
        for mark in sentence.marks:
            counts[mark.entity, "n"] += 1
            counts[mark.entity, "found"] += any(_agrees(span, mark) for span in spans)
            letters = (at for at in range(mark.start, mark.end) if sentence.text[at].isalnum())
            counts[mark.entity, "whole"] += covered.issuperset(letters)
        for span in spans:
            touched = [mark for mark in sentence.marks if span.start < mark.end and mark.start < span.end]
            right = any(_agrees(span, mark) for mark in touched)
            counts[span.entity, "right" if right else "confused" if touched else "false"] += 1
    return {entity: _figures(counts, entity) for entity in sorted({entity for entity, _ in counts})}


def _agrees(span: Span, mark: Mark) -> bool:
    same = span.entity == mark.entity or {span.entity, mark.entity} == _PLACES
    return same and span.start < mark.end and mark.start < span.end


def _figures(counts: Counter[tuple[str, str]], entity: str) -> dict[str, float]:
    n, found, whole, right, confused, false = (
        counts[entity, kind] for kind in ("n", "found", "whole", "right", "confused", "false")
    )
    body: dict[str, float] = {"n": n, "spans": right + confused + false, "false": false, "confused": confused}
    if n:
        body |= {"recall": round(found / n, 3), "whole": round(whole / n, 3)}
    if body["spans"]:
        body["precision"] = round(right / body["spans"], 3)
    return body


def false_alarms(sets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Texts with a match, and matches by entity, of each set that is there."""
    found: dict[str, dict[str, Any]] = {}
    for name, (language, file, read) in sets.items():
        if not (all_texts := texts(file, read)):
            continue
        spans = [find_pii(text) for text in all_texts]
        entities = Counter(span.entity for each in spans for span in each)
        alarms = sum(bool(each) for each in spans)
        found[name] = {
            "language": language,
            "n": len(all_texts),
            "texts_with_a_match": alarms,
            "share": round(alarms / len(all_texts), 4),
            "entities": dict(sorted(entities.items())),
        }
    return found


def main() -> None:
    names = PresidioNames()

    def find_names(text: str) -> list[Span]:
        return find_pii(text, extra=names(text))

    known = set(PRESIDIO.values())
    english = presidio()
    unsought = Counter(mark.entity for each in english for mark in each.marks if mark.entity not in known)
    body = {
        "english": {
            "sentences": len(english),
            "all": measure(english, find_pii),
            "part_b": measure(presidio("b"), find_pii),
            "not_looked_for": dict(sorted(unsought.items())),
        },
        "english_names": {
            "sentences": len(english[:SAMPLE]),
            "patterns": measure(english[:SAMPLE], find_pii),
            "names": measure(english[:SAMPLE], find_names),
        },
        "korean": {
            number: {
                "sentences": len(marked),
                "with_personal_data": sum(bool(each.marks) for each in marked),
                "patterns": measure(marked, find_pii),
                "names": measure(marked, find_names),
                "missed": [
                    f"{mark.entity}: {each.text[mark.start : mark.end]}"
                    for each in marked
                    for mark in each.marks
                    if not any(_agrees(span, mark) for span in find_pii(each.text))
                ],
            }
            for number, marked in korean().items()
        },
        "questions": false_alarms(QUESTIONS),
        "documents": false_alarms(DOCUMENTS),
    }
    save("pii", body)


if __name__ == "__main__":
    main()
