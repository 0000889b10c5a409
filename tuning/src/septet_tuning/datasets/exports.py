"""Rows in the formats of other trainers: OpenAI and TRL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from septet_tuning.errors import InvalidDataset
from septet_tuning.rows import AnyRow, Demonstration, Desirability, Kind, Message, Preference

Format = Literal[
    "openai-chat", "openai-preference", "trl-messages", "trl-prompt-completion", "trl-preference", "trl-kto"
]


class ChatTemplate(Protocol):
    """The chat template and tokenizer of a base model."""

    @property
    def digest(self) -> str:
        """Digest of the template."""

    def count_tokens(self, messages: Sequence[Message], *, prompt: bool) -> int:
        """Tokens of the rendered messages; with ``prompt``, up to the start of an answer."""


@dataclass
class Export:
    """Lines of an export. ``refused`` counts the rows that do not fit, and ``tokens`` are the lengths of the others."""

    lines: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    tokens: list[int] = field(default_factory=list)
    template_digest: str | None = None


def export(
    rows: Iterable[AnyRow],
    form: Format,
    *,
    template: ChatTemplate | None = None,
    max_tokens: int | None = None,
) -> Export:
    """Convert rows. With a template, rows whose target does not fit into ``max_tokens`` are refused.

    Raises:
        InvalidDataset: the format is not one of the rows' kind.
    """
    kind, convert = _FORMATS[form]
    made = Export(template_digest=template.digest if template else None)
    for row in rows:
        if row.kind != kind:
            raise InvalidDataset(
                f"{form} is a format of {kind} datasets, and this one has {row.kind}",
                f"Use {formats_of(row.kind)}.",
            )
        if template is not None:
            length, reason = _measure(row, template, max_tokens)
            if reason is not None:
                made.refused[reason] += 1
                continue
            made.tokens.append(length)
        made.lines.append(json.dumps(convert(row), ensure_ascii=False))
    return made


def formats_of(kind: Kind) -> str:
    """The formats of a kind, for messages."""
    return (
        ", ".join(name for name, (of, _) in _FORMATS.items() if of == kind)
        or "`dataset.json` and its JSONL files"
    )


def _measure(row: AnyRow, template: ChatTemplate, max_tokens: int | None) -> tuple[int, str | None]:
    """Tokens of the longest target with its prompt, and why the row cannot be used."""
    prompt, targets = _conversation(row)
    before = template.count_tokens(prompt, prompt=True)
    lengths = [
        template.count_tokens((*prompt, Message(role="assistant", content=target)), prompt=False)
        for target in targets
    ]
    if max_tokens is not None and before >= max_tokens:
        return before, "target masked"
    if max_tokens is not None and max(lengths) > max_tokens:
        return max(lengths), "target cut"
    if min(lengths) <= before:
        return before, "target masked"
    return max(lengths), None


def _conversation(row: AnyRow) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    match row:
        case Demonstration():
            return row.messages[:-1], (row.messages[-1].content,)
        case Preference():
            return row.prompt, (row.chosen, row.rejected)
        case Desirability():
            return row.prompt, (row.completion,)
        case _:
            raise InvalidDataset(f"rows of kind {row.kind} have no chat")


def _chat(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [message.model_dump() for message in messages]


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _messages(row: Any) -> dict[str, Any]:
    return {"messages": _chat(row.messages)}


def _prompt_completion(row: Any) -> dict[str, Any]:
    return {"prompt": _chat(row.messages[:-1]), "completion": _chat(row.messages[-1:])}


def _openai_preference(row: Any) -> dict[str, Any]:
    return {
        "input": {"messages": _chat(row.prompt)},
        "preferred_output": _answer(row.chosen),
        "non_preferred_output": _answer(row.rejected),
    }


def _trl_preference(row: Any) -> dict[str, Any]:
    return {"prompt": _chat(row.prompt), "chosen": _answer(row.chosen), "rejected": _answer(row.rejected)}


def _kto(row: Any) -> dict[str, Any]:
    return {"prompt": _chat(row.prompt), "completion": _answer(row.completion), "label": row.label}


_FORMATS: Mapping[Format, tuple[Kind, Callable[[Any], dict[str, Any]]]] = {
    "openai-chat": ("sft", _messages),
    "openai-preference": ("preference", _openai_preference),
    "trl-messages": ("sft", _messages),
    "trl-prompt-completion": ("sft", _prompt_completion),
    "trl-preference": ("preference", _trl_preference),
    "trl-kto": ("kto", _kto),
}
