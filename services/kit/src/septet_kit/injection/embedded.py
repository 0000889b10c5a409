"""Sentences of a document that instruct the assistant that reads it.

A document is data, so an instruction to the assistant inside it is foreign. Instructions to a human reader ("run make
install") are ordinary, and so are sentences about attacks, quotations, and examples of prompts in documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from septet_kit.injection.patterns import (
    ADDRESSED,
    ADDRESSED_CJ,
    ADDRESSED_KO,
    CONTROLS,
    CONTROLS_KO,
    ON_PAPER,
    PEOPLE_ANSWER,
)
from septet_kit.injection.readings import canonical, hidden_texts
from septet_kit.injection.rules import match_rules
from septet_kit.text import Span, has_hangul, sentence_spans, windows

DETECTOR_VERSION = 2
"""Rises when the results change. Documents that are sent again are then read again."""

MARK = "[…]"
"""Takes the place of an instruction."""

_LONG, _OVERLAP = 1_200, 300
_NEAR = 60
# Two ligatures of Arabic phrases, which the canonical form expands to 18 and 8 characters.
_EXPANDING = str.maketrans("\ufdfa\ufdfb", "  ")
_QUOTED = re.compile(
    r"(?<![a-z0-9])'[^'\n]{3,200}'(?![a-z0-9])|\"[^\"\n]{3,200}\"|“[^”\n]{3,200}”|‘[^’\n]{3,200}’|「[^」\n]{3,200}」"
    r"|『[^』\n]{3,200}』|«[^»\n]{3,200}»|`[^`\n]{3,200}`"
)
_LETTERS = re.compile(r"[^\W\d_]")
_MIN_LETTERS = 10
# Before an instruction in a sentence: the sentence is about instructions.
_DISCUSSES = re.compile(
    r"\b(?:attack\w*|injections?|jailbreak\w*|adversar\w+|malicious\w*|untrusted|hackers?|phrases?|sentences? (?:like|such)|such as"
    r"|for example|e\.g\.|examples?|detect\w*|classif\w+|filters?|guardrails?|rails?|rules? (?:against|for)|users? (?:can|may|might|could|who)"
    r"|someone|anyone|prevent\w*|prompts? (?:like|that|such)|(?:says?|said|reads?|writes?|asks?|told|tells?|telling|means?|called) ?[:,]?$)"
    r"|공격|주입|탈옥|악의|예를\s?들|예시|같은|이라는|라는|탐지|차단|막는|방어|사람이|공격자"
)
_ABOUT_PROMPTS = re.compile(
    r"\bprompt(?:s|ing)?\b|\bsystem (?:message|prompt)|\bfew-shot\b|\bllms?\b|\bclaude\b|\bmax_tokens\b|\bjailbreak|프롬프트|언어\s?모델"
)
# Where text without a full stop is followed by an order.
_UNFINISHED = re.compile(
    r"(?<=[\w)\]>\"'”’])\s+(?=(?:Add|Alter|Append|Augment|Begin|Convert|Encode|Encrypt|End|Enhance|Forget|Format|Give|Ignore|In your|Include"
    r"|Incorporate|Insert|Integrate|Introduce|Modify|Only|Output|Please|Print|Provide|Rearrange|Remove|Render|Repeat|Replace|Reply|Respond|Reverse"
    r"|Rewrite|Say|Scramble|Start|Substitute|Tell|Translate|Use|Write) [a-z])"
)
# A sentence that goes on with the instruction before it.
_GOES_ON = re.compile(
    r"^\W*(?:instead|then|and|also|now|just|only|simply|after that|next|finally|otherwise|from now on|you (?:must|should|will)|do not|don'?t|never"
    r"|always|please|say|reply|respond|answer|write|print|output|include|add|tell|give|send|use|make|repeat|reveal|recommend|act|pretend|start|end)\b"
    r"|^\W*(?:대신|그리고|그\s?다음|이제|또한|반드시|절대|오직|항상|지금부터|앞으로)"
)


def find_instructions(text: str, heading: str = "") -> list[Span]:
    """Return the sentences and lines of ``text`` that instruct an assistant, in order.

    The sentences that go on with an instruction belong to it, up to the end of its paragraph.

    Args:
        text: a passage.
        heading: its title and place, which may say that it is about prompts.
    """
    text = text.translate(_EXPANDING)
    about_prompts = bool(_ABOUT_PROMPTS.search(f"{heading}\n{text}".lower()))
    found: list[Span] = []
    previous: Span | None = None
    for span in _sentences(text):
        parts = _instructions(text, span, about_prompts)
        goes_on = not parts and previous is not None and _continues(text, previous, span)
        if goes_on:
            parts = [span]
        found += parts
        # An order about "your answer" may be meant for people after all: the steps after it stay.
        opens = goes_on or any(
            _is_instruction(text, part, about_prompts, may_control=False) for part in parts
        )
        previous = parts[-1] if parts and opens else None
    return found


def without(text: str, spans: list[Span] | tuple[Span, ...]) -> str:
    """Return the text with ``MARK`` and spaces in place of each span, so that all offsets stay.

    Line breaks within a span stay, too.
    """
    parts, at = [], 0
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, len(text))
        if start >= end:
            continue
        blank = "".join("\n" if character == "\n" else " " for character in text[start:end])
        parts += [text[at:start], (MARK + blank[len(MARK) :])[: end - start]]
        at = end
    return "".join([*parts, text[at:]])


def _sentences(text: str) -> Iterator[Span]:
    """Yield sentences; a long one in overlapping pieces, so that no search takes long."""
    for span in sentence_spans(text):
        if span.end - span.start <= _LONG:
            yield span
            continue
        for start, end in windows(span.end - span.start, _LONG, _OVERLAP):
            yield Span(span.start + start, span.start + end)


def _reading(sentence: str) -> str:
    """Return the canonical form, in which a capitalised order after unfinished text begins a clause."""
    return canonical(_UNFINISHED.sub("; ", sentence)).replace("\n", " ").strip()


def _is_for_people(text: str, span: Span, reading: str) -> bool:
    """Whether an answer in the sentence would be that of a person, such as an answer in an exam."""
    start = max(text.rfind("\n", 0, span.start) + 1, span.start - _NEAR)
    end = text.find("\n", span.end, span.end + _NEAR)
    near = text[start : end if end >= 0 else span.end + _NEAR].lower()
    return bool(PEOPLE_ANSWER.search(reading) or ON_PAPER.search(near))


def _instructions(text: str, span: Span, about_prompts: bool) -> list[Span]:
    """Return the lines of a sentence that are instructions, or the sentence if it is one only as a whole."""
    if "\n" in span.of(text):
        lines = [line for line in _lines(text, span) if _is_instruction(text, line, about_prompts)]
        if lines:
            return lines
    return [span] if _is_instruction(text, span, about_prompts) else []


def _lines(text: str, span: Span) -> Iterator[Span]:
    start = span.start
    for line in span.of(text).splitlines(keepends=True):
        if line.strip():
            yield Span(start, start + len(line.rstrip()))
        start += len(line)


def _is_instruction(text: str, span: Span, about_prompts: bool, may_control: bool = True) -> bool:
    """Whether a sentence or line instructs an assistant; without ``may_control``, whether it addresses one."""
    sentence = span.of(text)
    reading = _reading(sentence)
    may_control = may_control and not about_prompts and not _is_for_people(text, span, reading)
    if _matches(reading, about_prompts, may_control):
        return True
    # Ordinary text is not encoded: here all rules count.
    return any(
        _matches(hidden, about_prompts=False, may_control=True)
        or any(not match.is_mention for match in match_rules(hidden))
        for hidden in (hidden.replace("\n", " ") for hidden in hidden_texts(sentence))
    )


def _matches(reading: str, about_prompts: bool, may_control: bool) -> bool:
    own = _without_quotations(reading, about_prompts)
    if len(_LETTERS.findall(own)) < _MIN_LETTERS // (2 if has_hangul(own) else 1):
        return False
    patterns = [ADDRESSED, ADDRESSED_KO, ADDRESSED_CJ] + ([CONTROLS, CONTROLS_KO] if may_control else [])
    starts = [found.start() for pattern in patterns if (found := pattern.search(own))]
    if not starts or own.rstrip().endswith(("?", "？")):
        return False
    return not _DISCUSSES.search(own[: min(starts)])


def _without_quotations(reading: str, about_prompts: bool) -> str:
    """Return a sentence without its quotations: what it says about them counts.

    A sentence that is a quotation as a whole is read, except in documentation about prompts.
    """
    rest = _QUOTED.sub(" … ", reading)
    if rest == reading or about_prompts or len(_LETTERS.findall(rest)) >= _MIN_LETTERS:
        return rest
    return reading


def _continues(text: str, previous: Span, span: Span) -> bool:
    return "\n\n" not in text[previous.end : span.start] and bool(_GOES_ON.match(_reading(span.of(text))))
