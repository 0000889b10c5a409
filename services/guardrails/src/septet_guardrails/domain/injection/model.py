"""Model of prompt injection: a logistic regression over n-grams, rules and the signals of an instruction classifier.

The instruction classifier is a small transformer that reads Latin script only. For other scripts the n-grams and the
rules decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from septet_kit.injection.mention import addressed_text, addresses_assistant, is_about
from septet_kit.injection.readings import canonical, hidden_texts
from septet_kit.injection.rules import Match, match_rules

from septet_guardrails.domain.injection.linear import LinearHead, sigmoid

WINDOW = 1_000
STRIDE = 800
MAX_JUDGED = 4
"""Most windows of a text that the instruction classifier reads: the first, and those with the highest cheap scores."""

_SHORT = 300
_LATIN = re.compile(r"[a-z]")
_LETTER = re.compile(r"[^\W\d_]")
_SCALE = 4.0


class InstructionClassifier(Protocol):
    """Transformer that judges whether a text instructs an assistant."""

    def __call__(self, text: str) -> tuple[float, float]:
        """Return two logits: the text is an attack; the text only has the form of other text."""


class Signals(NamedTuple):
    """Dense features of a window. The trained weights have the same fields."""

    attack_logit: float
    form_logit: float
    instruction: float
    mention: float
    about: float
    about_other_script: float
    second_person: float
    other_script: float
    quotation: float
    continuation: float


NO_SIGNALS = Signals(*(0.0 for _ in Signals._fields))


@dataclass(frozen=True)
class Window:
    """A part of a text in canonical form, with the rule matches that start in it.

    Attributes:
        signals: the features without those of the instruction classifier.
    """

    text: str
    matches: tuple[Match, ...]
    signals: Signals

    def judged(self, classify: InstructionClassifier) -> Signals:
        """Return the features with those of the instruction classifier, which reads Latin script only."""
        if self.signals.other_script:
            return self.signals
        attack, form = classify(self.text)
        return self.signals._replace(attack_logit=attack / _SCALE, form_logit=form / _SCALE)


def windows_of(text: str) -> Iterator[Window]:
    """Yield the overlapping windows of a text and of the texts that it hides."""
    yield from _windows_of_reading(text)
    hidden = "\n".join(hidden_texts(text))
    if hidden:
        yield from _windows_of_reading(hidden)


def _windows_of_reading(text: str) -> Iterator[Window]:
    plain = canonical(text)
    addressed = addressed_text(plain)
    matches = match_rules(addressed)
    is_quotation = addressed != plain
    for start in range(0, max(len(addressed) - (WINDOW - STRIDE), 1), STRIDE):
        end = start + WINDOW
        inside = tuple(match for match in matches if start <= match.start < end)
        yield _window(addressed[start:end], inside, is_quotation=is_quotation, is_first=start == 0)


def _window(text: str, matches: tuple[Match, ...], *, is_quotation: bool, is_first: bool) -> Window:
    letters = len(_LETTER.findall(text))
    is_latin = 2 * len(_LATIN.findall(text)) >= letters
    about = float(len(text) <= _SHORT and is_about(text))
    used = [match.rule.weight for match in matches if not match.is_mention]
    signals = NO_SIGNALS._replace(
        instruction=max(used, default=0.0),
        mention=float(bool(matches) and not used),
        about=about * is_latin,
        about_other_script=about * (not is_latin),
        second_person=float(addresses_assistant(text)),
        other_script=float(not is_latin),
        quotation=float(is_quotation),
        continuation=float(not is_first),
    )
    return Window(text, matches, signals)


@dataclass(frozen=True)
class InjectionModel:
    """Combines the n-gram head, the weights of the signals, and the instruction classifier."""

    head: LinearHead
    weights: Signals
    classify: InstructionClassifier

    def score(self, *texts: str) -> tuple[float, str]:
        """Return the probability that one of the texts is an attack, and the techniques or classifier that gave it.

        The instruction classifier reads at most ``MAX_JUDGED`` windows, whatever the number of texts.
        """
        windows = [window for text in texts for window in windows_of(text)]
        cheap = [(self._logit(window, window.signals), window) for window in windows]
        others = sorted(cheap[1:], key=lambda found: -found[0])[: MAX_JUDGED - 1]
        judged = [
            (self._logit(window, window.judged(self.classify)), window) for _, window in (cheap[0], *others)
        ]
        logit, window = max(judged, key=lambda found: found[0])
        names = [match.rule.name for match in window.matches if not match.is_mention]
        reason = f"technique: {', '.join(dict.fromkeys(names[:3]))}" if names else "classifier"
        return sigmoid(logit), reason

    def _logit(self, window: Window, signals: Signals) -> float:
        dense = sum(weight * value for weight, value in zip(self.weights, signals, strict=True))
        return self.head.logit(window.text) + dense
