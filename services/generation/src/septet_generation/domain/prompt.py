"""Selects the content of a prompt. The wording is in the templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from septet_contracts import Grounded, Message, Revision

from septet_generation.domain.catalogue import Model
from septet_generation.domain.chat import ChatMessage
from septet_generation.domain.excerpts import Excerpt, excerpts
from septet_generation.domain.quoting import quoted
from septet_generation.domain.tokens import estimate_tokens

MIN_PASSAGE_TOKENS = 160
HISTORY_SHARE = 0.25
REJECTED_TOKENS = 80


@dataclass(frozen=True)
class Parts:
    """Variables of a template.

    Attributes:
        contained: whether the question is quoted data: it stands between tags, which it cannot close.
        fields: the required fields of a JSON answer.
    """

    question: str
    passages: Sequence[Excerpt] = ()
    as_json: bool = False
    fields: Sequence[str] = ()
    rejected: str = ""
    complaints: Sequence[str] = ()
    contained: bool = False


@dataclass(frozen=True)
class Prompt:
    """Messages for the model, and name and version of their template.

    ``opening`` holds the system message and the worked examples. The conversation's history follows it.
    """

    opening: tuple[ChatMessage, ...]
    question: ChatMessage
    version: str
    history: tuple[ChatMessage, ...] = ()

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """All messages, in order."""
        return (*self.opening, *self.history, self.question)


Render = Callable[[str, str, Parts], Prompt]
"""Template name, language (ISO 639-1), variables → prompt."""


def compose(event: Grounded | Revision, model: Model, render: Render) -> Prompt:
    """Build the prompt of one draft, within an estimated ``model.prompt_tokens``.

    The question is never cut. The conversation before it gets at most a quarter of the prompt, latest messages
    first. The passages get the rest.
    """
    name, parts = _parts(event)
    language = event.language or "en"
    history = _history(event.ask.history, int(model.prompt_tokens * HISTORY_SHARE))
    if event.passages:
        empty = replace(parts, passages=(Excerpt(1, "", ""),))
        left = model.prompt_tokens - _size(render(name, language, empty).messages) - _size(history)
        best = event.answerability.best if event.answerability else None
        budget = max(left, MIN_PASSAGE_TOKENS)
        found = excerpts(event.passages, event.ask.query, best, budget, model.passages)
        parts = replace(parts, passages=found)
    return replace(render(name, language, parts), history=history)


def _parts(event: Grounded | Revision) -> tuple[str, Parts]:
    """Return the template's name and its variables, without passages."""
    ask = event.ask
    question = quoted(ask.query) if event.contained else ask.query
    as_json, fields = ask.output_schema is not None, _fields(ask.output_schema)
    parts = Parts(question, as_json=as_json, fields=fields, contained=event.contained)
    if isinstance(event, Revision):
        rejected = _first_tokens(event.rejected, REJECTED_TOKENS)
        return "revise", replace(parts, rejected=rejected, complaints=event.complaints)
    return "answer", parts


def _fields(schema: dict[str, Any] | None) -> tuple[str, ...]:
    """Return the field names of a JSON answer, for the prompt."""
    properties = (schema or {}).get("properties")
    return tuple(properties) if isinstance(properties, dict) else ()


def _history(messages: Sequence[Message], budget: int) -> tuple[ChatMessage, ...]:
    """Return the latest whole messages that fit into ``budget`` tokens, in order."""
    kept: list[ChatMessage] = []
    for message in reversed(messages):
        budget -= estimate_tokens(message.content)
        if budget < 0:
            break
        kept.append(ChatMessage(message.role, message.content))
    return tuple(reversed(kept))


def _size(messages: Sequence[ChatMessage]) -> int:
    return sum(estimate_tokens(m.content) + 4 for m in messages)


def _first_tokens(text: str, limit: int) -> str:
    words: list[str] = []
    for word in text.split():
        if estimate_tokens(" ".join((*words, word))) > limit:
            break
        words.append(word)
    return " ".join(words)
