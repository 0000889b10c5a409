"""Containment: a question that may be an attack is handled as quoted data, without the earlier messages."""

from __future__ import annotations

from septet_contracts import Ask, Message


def without_history(ask: Ask) -> Ask:
    """Return ``ask`` without the messages of user and assistant before and after the question.

    System messages come from the application and stay.
    """
    if ask.messages is None:
        return ask
    kept = [message for message in ask.messages if message.role == "system"]
    if ask.question is None:
        kept.append(Message(role="user", content=ask.query))
    return ask.model_copy(update={"messages": tuple(kept) or None})
