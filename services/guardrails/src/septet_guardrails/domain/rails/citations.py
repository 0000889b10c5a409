"""Rail for citations: they must refer to existing passages, and an answer from passages must cite."""

from __future__ import annotations

import re

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.policy import CitationsRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.rails.groundedness import score_answer

_CITATIONS = re.compile(r"(?:(?<!\s)\s+)?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_MAX_SENTENCES = 40
# Least support at which a passage is cited.
_MIN_SUPPORT = 0.3
_END = re.compile(r"[.!?。！？…]+[\"'”’)]*$")


class CitationsRail:
    """Removes citations of missing passages, and cites supporting passages if the answer cites none."""

    name = "citations"

    def check(self, subject: Answer, rule: CitationsRule) -> Finding:
        draft = subject.draft
        if draft.ask.output_schema is not None:
            return PASSED
        text, wrong = without_wrong(subject.text, len(draft.passages))
        done = [f"removed citations of passages that do not exist: {', '.join(wrong)}"] if wrong else []
        cited = _CITATIONS.search(text) is not None
        if draft.passages and not cited and not is_abstention(text):
            text = self._cite(Answer(text, draft))
            if not _CITATIONS.search(text):
                complaint = "Cite the passage that supports each sentence, as [1]."
                return Finding(
                    "reask", 0.0, "no passage is cited, and none clearly supports the answer", complaint
                )
            done.append("cited the passages that support the answer")
        if not done:
            return Finding("pass", 1.0)
        return Finding("flag" if rule.action == "flag" else "fix", 1.0, "; ".join(done), text=text)

    @staticmethod
    def _cite(subject: Answer) -> str:
        text = subject.text
        for item in reversed(score_answer(subject, _MAX_SENTENCES)):
            if item.claims and item.support.passage is not None and item.support.probability >= _MIN_SUPPORT:
                end = item.sentence.end
                ending = _END.search(item.sentence.text)
                at = end - len(ending.group()) if ending else end
                text = f"{text[:at]} [{item.support.passage}]{text[at:]}"
        return text


def without_wrong(text: str, passages: int) -> tuple[str, list[str]]:
    """Remove citations outside 1…``passages``; return the text and the removed numbers."""
    wrong: list[str] = []

    def keep(match: re.Match[str]) -> str:
        numbers = re.findall(r"\d+", match.group(1))
        good = [number for number in numbers if 1 <= int(number) <= passages]
        wrong.extend(number for number in numbers if number not in good)
        if len(good) == len(numbers):
            return match.group()
        return " " + "".join(f"[{number}]" for number in good) if good else ""

    return _CITATIONS.sub(keep, text), wrong
