"""Rail that replies to greetings, thanks, farewells and questions about the assistant."""

from __future__ import annotations

from septet_guardrails.domain.policy import SmallTalkRule
from septet_guardrails.domain.rails.base import Finding, Question
from septet_guardrails.domain.small_talk import small_talk
from septet_guardrails.domain.small_talk_reply import small_talk_reply


class SmallTalkRail:
    """Replies from a template, unless the client wants no answer in prose or no answer from the documents."""

    name = "small_talk"

    def check(self, subject: Question, rule: SmallTalkRule) -> Finding:
        ask = subject.ask
        wants_prose = ask.generate and ask.output_schema is None and ask.retrieval.mode != "off"
        kind = small_talk(ask.query) if wants_prose else None
        # Within a conversation, "what can one do?" asks about its subject.
        if kind is None or (kind == "ability" and ask.history):
            return Finding("pass", 0.0)
        return Finding("pass", 1.0, kind, reply=small_talk_reply(kind, subject.language, rule.corpus))
