"""Rail for citations: every cited passage must support its own sentence, and an answer from passages must cite."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.policy import CitationsRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.rails.format import cut
from septet_guardrails.domain.rails.groundedness import ScoredSentence, score_answer
from septet_guardrails.domain.text import code_spans, is_within

_CITATIONS = re.compile(r"(?:(?<!\s)\s+)?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
MAX_SENTENCES = 40
"""Sentences whose citations are corrected."""
MIN_SUPPORT = 0.5
"""Least support at which a citation is kept, and at which a passage is cited instead."""
# Least support at which a passage is cited if the answer cites none.
_MIN_FIRST_SUPPORT = 0.3
_END = re.compile(r"[.!?。！？…]+[\"'”’)]*$")
_COMPLAINT = "Cite the passage that supports each sentence, as [1]."


class CitationsRail:
    """Corrects citations by sentence.

    A citation of a passage that does not support its sentence is removed. A sentence that is left without a citation
    cites the passage that supports it best, or is dropped if there is none.
    """

    name = "citations"

    def check(self, subject: Answer, rule: CitationsRule) -> Finding:
        draft, flags = subject.draft, rule.action == "flag"
        if draft.ask.output_schema is not None:
            return PASSED
        text, wrong = without_wrong(subject.text, len(draft.passages))
        done = [f"removed citations of passages that do not exist: {', '.join(wrong)}"] if wrong else []
        if draft.passages and not is_abstention(text):
            revised = _Revision(replace(subject, text=text))
            text = revised.text
            if not _citations(text):
                reason = "no passage is cited, and none clearly supports the answer"
                return Finding("flag" if flags else "reask", 0.0, reason, _COMPLAINT)
            done.extend(revised.corrections)
        if not done:
            return Finding("pass", 1.0)
        if flags:
            return Finding("flag", 1.0, "; ".join(done))
        return Finding("fix", 1.0, "; ".join(done), text=text)


@dataclass
class _Revision:
    """The answer with corrected citations. It is empty if every sentence is dropped."""

    subject: Answer
    text: str = ""
    removed: int = 0
    added: int = 0
    dropped: list[ScoredSentence] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = self.subject.text
        least = MIN_SUPPORT if _citations(self.text) else _MIN_FIRST_SUPPORT
        code = code_spans(self.text)
        places = []
        for item in reversed(score_answer(self.subject, MAX_SENTENCES)):
            # Code may contain the end of a sentence.
            places_in_code = (is_within(at, code) for at in (item.sentence.start, item.sentence.end))
            if not item.claims or any(places_in_code):
                continue
            cited = self._correct(item, least)
            if cited is None:
                self.dropped.append(item)
            else:
                places.append((item, cited))
        self.text = self._rewritten(places)

    def _rewritten(self, places: list[tuple[ScoredSentence, str]]) -> str:
        """Return the text with the new sentences, the last one first, and without the dropped ones."""
        text = self.subject.text
        edits = [(item, sentence) for item, sentence in places] + [(item, "") for item in self.dropped]
        for item, sentence in sorted(edits, key=lambda edit: -edit[0].sentence.start):
            text = f"{text[: item.sentence.start]}{sentence}{text[item.sentence.end :]}"
        return cut(text, []) if self.dropped else text

    def _correct(self, item: ScoredSentence, least: float) -> str | None:
        """Return the sentence with citations that support it; None if no passage does."""
        sentence = item.sentence.text
        cited = [
            int(number) for match in _citations(sentence) for number in re.findall(r"\d+", match.group(1))
        ]
        good = [number for number in cited if item.supports[number - 1].probability >= least]
        if cited and len(good) == len(cited):
            return sentence
        self.removed += len(cited) - len(good)
        if not good:
            best = item.support
            if best.passage is None or best.probability < least:
                return None if cited else sentence
            self.added += 1
            good = [best.passage]
        bare = sentence
        for match in reversed(_citations(sentence)):
            bare = bare[: match.start()] + bare[match.end() :]
        ending = _END.search(bare)
        at = len(bare) - len(ending.group()) if ending else len(bare)
        return f"{bare[:at]} {''.join(f'[{number}]' for number in dict.fromkeys(good))}{bare[at:]}"

    @property
    def corrections(self) -> list[str]:
        """Descriptions of the corrections."""
        counts = (
            (self.removed, "removed {} citations of passages that do not support their sentence"),
            (self.added, "cited the passages that support {} sentences"),
            (len(self.dropped), "dropped {} sentences that no passage supports"),
        )
        return [text.format(count) for count, text in counts if count]


def _citations(text: str) -> list[re.Match[str]]:
    """Return the citations of ``text``. In code, ``[1]`` is an index."""
    code = code_spans(text)
    return [match for match in _CITATIONS.finditer(text) if not is_within(match.start(1), code)]


def without_wrong(text: str, passages: int) -> tuple[str, list[str]]:
    """Remove citations outside 1…``passages``; return the text and the removed numbers. Code stays as it is."""
    wrong: list[str] = []
    code = code_spans(text)

    def keep(match: re.Match[str]) -> str:
        if is_within(match.start(1), code):
            return match.group()
        numbers = re.findall(r"\d+", match.group(1))
        good = [number for number in numbers if 1 <= int(number) <= passages]
        wrong.extend(number for number in numbers if number not in good)
        if len(good) == len(numbers):
            return match.group()
        return " " + "".join(f"[{number}]" for number in good) if good else ""

    return _CITATIONS.sub(keep, text), wrong
