"""The texts of a row: what is read, what is the target, and how they are replaced."""

from __future__ import annotations

from collections.abc import Sequence

from septet_tuning.rows import (
    AnyRow,
    Classified,
    Demonstration,
    Desirability,
    GuardExample,
    Message,
    Preference,
    Triple,
)


def texts_of(row: AnyRow) -> tuple[str, ...]:
    """All texts of a row, the input first and the targets last."""
    match row:
        case Demonstration():
            return tuple(message.content for message in row.messages)
        case Preference():
            return (*(message.content for message in row.prompt), row.chosen, row.rejected)
        case Desirability():
            return (*(message.content for message in row.prompt), row.completion)
        case Triple():
            return (row.question, row.positive, *row.negatives)
        case GuardExample() | Classified():
            return (row.text,)


def with_texts(row: AnyRow, texts: Sequence[str]) -> AnyRow:
    """The row with other texts, in the order of :func:`texts_of`."""
    match row:
        case Demonstration():
            return row.model_copy(update={"messages": _replaced(row.messages, texts)})
        case Preference():
            pair = {"chosen": texts[-2], "rejected": texts[-1]}
            return row.model_copy(update={"prompt": _replaced(row.prompt, texts), **pair})
        case Desirability():
            return row.model_copy(update={"prompt": _replaced(row.prompt, texts), "completion": texts[-1]})
        case Triple():
            made = {"question": texts[0], "positive": texts[1], "negatives": tuple(texts[2:])}
            return row.model_copy(update=made)
        case GuardExample() | Classified():
            return row.model_copy(update={"text": texts[0]})


def input_of(row: AnyRow) -> str:
    """What the model reads: the last message of the user, the question or the text."""
    match row:
        case Demonstration():
            return _question(row.messages[:-1])
        case Preference() | Desirability():
            return _question(row.prompt)
        case Triple():
            return row.question
        case GuardExample() | Classified():
            return row.text


def class_of(row: AnyRow) -> str | None:
    """The class of a row, or None for kinds without classes."""
    match row:
        case Desirability():
            return "desirable" if row.label else "undesirable"
        case GuardExample():
            return f"{row.rail}: {row.label}"
        case Classified():
            return row.label
        case _:
            return None


def _replaced(messages: Sequence[Message], texts: Sequence[str]) -> tuple[Message, ...]:
    # The targets behind the prompt have no message.
    pairs = zip(messages, texts, strict=False)
    return tuple(message.model_copy(update={"content": text}) for message, text in pairs)


def _question(messages: Sequence[Message]) -> str:
    users = [message.content for message in messages if message.role == "user"]
    return users[-1] if users else "\n".join(message.content for message in messages)
