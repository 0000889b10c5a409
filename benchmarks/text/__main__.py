"""Sentence splitting in English and Korean: the product's splitter and libraries.

    python -m benchmarks.text

Writes ``results/sentences.json``. The cases in ``cases/`` are labelled by hand: ``¦`` marks where a sentence starts. The
PAWS sets (sentences of Wikipedia, five joined to a paragraph) are skipped where they are missing. A library takes part
where it is installed; ``README.md`` names the command.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.guardrails.sets import rows
from benchmarks.text.splitters import Splitter, libraries, own, versions

HERE = Path(__file__).parent
LANGUAGES = ("en", "ko")
MARK = "¦"
LAYOUT = frozenset({"list", "line", "wrapped", "table", "no stop"})
"""Kinds of cases whose boundaries follow from line breaks."""
PARAGRAPH = 5
PARAGRAPHS = 100
TIMED_CHARACTERS = 100_000


@dataclass(frozen=True)
class Case:
    """A text and its labelled boundaries, counted in characters that are not white space."""

    kind: str
    text: str
    boundaries: frozenset[int]

    @classmethod
    def of(cls, kind: str, sentences: Sequence[str]) -> Case:
        return cls(kind, "".join(sentences), boundaries(sentences))


def boundaries(sentences: Iterable[str]) -> frozenset[int]:
    """Where sentences end, without the end of the text; positions ignore white space, because libraries change it."""
    ends, at = [], 0
    for sentence in sentences:
        at += len("".join(sentence.split()))
        ends.append(at)
    return frozenset(ends[:-1]) - {0, at}


def cases(language: str) -> list[Case]:
    """The hand-labelled cases."""
    lines = (HERE / "cases" / f"{language}.jsonl").read_text("utf-8").splitlines()
    return [Case.of(row["kind"], row["text"].split(MARK)) for row in map(json.loads, lines)]


def paragraphs(language: str) -> list[Case]:
    """Paragraphs of sentences of Wikipedia."""
    found = [_plain(row["text_a"]) for row in rows(f"pawsx_a/pairs_{language}")]
    whole = [f"{text} " for text in found if text.endswith((".", "?", "!"))][: PARAGRAPH * PARAGRAPHS]
    return [Case.of("paws", whole[i : i + PARAGRAPH]) for i in range(0, len(whole), PARAGRAPH)]


def _plain(text: str) -> str:
    """Undo the tokenisation of PAWS: white space before punctuation, doubled quotation marks."""
    text = re.sub(r"``\s*|\s*''", '"', text)
    return re.sub(r"\s+([.,;:?!)%]|'s\b)", r"\1", re.sub(r"([(])\s+", r"\1", text)).strip()


def score(split: Splitter, texts: Sequence[Case]) -> dict[str, float]:
    """Precision, recall and F1 of the boundaries, and the share of texts without any error."""
    right = given = wanted = whole = 0
    for case in texts:
        made = boundaries(split(case.text))
        right += len(made & case.boundaries)
        given += len(made)
        wanted += len(case.boundaries)
        whole += made == case.boundaries
    precision, recall = right / given if given else 1.0, right / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    values = {"precision": precision, "recall": recall, "f1": f1, "exact": whole / len(texts)}
    return {name: round(value, 3) for name, value in values.items()}


def milliseconds(split: Splitter, texts: Sequence[Case]) -> float:
    """CPU time per 100,000 characters of the texts, joined to one, the least of three."""
    joined = " ".join(case.text for case in texts)
    chosen = [joined] * (TIMED_CHARACTERS // len(joined) + 1)
    size = sum(map(len, chosen))
    took = []
    for _ in range(3):
        began = time.process_time()
        for text in chosen:
            split(text)
        took.append(time.process_time() - began)
    return round(min(took) * 1000 * TIMED_CHARACTERS / size, 1)


def report(split: Splitter, groups: dict[str, list[Case]]) -> dict[str, Any]:
    """Scores by group, the labelled cases that fail, and the time."""
    labelled = [*groups["prose"], *groups["layout"]]
    wrong: dict[str, int] = defaultdict(int)
    for case in labelled:
        if boundaries(split(case.text)) != case.boundaries:
            wrong[case.kind] += 1
    return {
        **{name: score(split, texts) for name, texts in groups.items() if texts},
        "wrong_by_kind": dict(wrong),
        "ms_per_100k_characters": {
            name: milliseconds(split, texts)
            for name, texts in (("cases", labelled), ("paws", groups["paws"]))
            if texts
        },
    }


def measured(language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Reports of all splitters on one language."""
    labelled = cases(language)
    groups = {
        "prose": [case for case in labelled if case.kind not in LAYOUT],
        "layout": [case for case in labelled if case.kind in LAYOUT],
        "paws": paragraphs(language),
    }
    for name, split in (*own(), *libraries(language)):
        found = report(split, groups)
        yield name, found
        scores = "  ".join(f"{group} {found[group]['f1']:.3f}" for group in groups if group in found)
        print(f"{language} {name:15} {scores}  {found['ms_per_100k_characters']}")


def main() -> None:
    results: dict[str, Any] = {language: dict(measured(language)) for language in LANGUAGES}
    results["versions"] = versions()
    target = HERE / "results" / "sentences.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
