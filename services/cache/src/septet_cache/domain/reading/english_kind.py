"""Types of English questions."""

from __future__ import annotations

import re

from septet_cache.domain.reading.model import Kind

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|please|so|and|but|also|ok|okay|well)\s+)*"
    r"(?:(?:can|could|would|will) (?:you|anyone|someone|anybody|somebody) (?:please )?(?:tell|explain|show|help)(?: to)?(?: me| us)?\s+"
    r"|(?:do|does) (?:you|anyone|anybody) know\s+|(?:i|we) (?:want|would like|need|wish) to know\s+"
    r"|(?:please )?tell (?:me|us)\s+|i wonder\s+)(?:about\s+)?"
)
_WAY = r"(?:(?:some|the|any|good|best|better|easiest|easy|fastest|quickest|right|correct|simplest|most|effective|efficient|proper|possible|various|different|other|recommended|a|an|only)\s+)*(?:ways?|methods?|steps?|process|procedure|approach(?:es)?|techniques?|tips?|strateg(?:y|ies))"
_OPINION = re.compile(
    r"\b(?:do|does|did) (?:you|people) (?:think|feel|believe)\b"
    r"|\b(?:your|what|the) (?:opinions?|views?|thoughts?|take) (?:on|of|about)\b|\b(?:are|is) your (?:view|opinion|thought|take)s?\b"
)
_IS_THERE_A_WAY = re.compile(rf"^(?:is|are) there (?:an?|any|some)?\s*{_WAY}")
_AUXILIARY_FIRST = re.compile(
    r"^(?:is|are|was|were|am|do|does|did|can|could|should|would|will|shall|has|have|had|may|might|must)\b"
)
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "count",
        r"\bhow (?:many|much)\b|\bwhat (?:is|are) the (?:total )?(?:number|count|amount|quantity) of\b",
    ),
    (
        "degree",
        r"\bhow (?:long|often|far|old|big|tall|high|deep|fast|large|small|heavy|wide|late|early|soon|good|bad"
        r"|hard|difficult|safe|important|common|accurate|likely|easy|dangerous|effective|true|close|strong|expensive"
        r"|cheap|hot|cold|popular|rich|powerful|reliable|successful|useful)\b",
    ),
    (
        "why",
        r"\bwhy\b|\bhow come\b|\bwhat (?:causes|caused|makes|made)\b|\bfor what reason\b"
        r"|\bwhat (?:is|are|was|were) (?:the )?(?:main |real |actual )?(?:reasons?|causes?) (?:for|of|behind|why|that)\b",
    ),
    (
        "how",
        rf"^(?:what|which) (?:is|are|would be|will be|were|was) {_WAY} (?:to|of|for|by|in which|i|you|that|one)\b"
        rf"|^{_WAY} (?:to|of|for)\b|^what (?:can|should|could|must|do|would) (?:i|we|you|one) do (?:to|in order to|for)\b",
    ),
    ("when", r"\bwhen\b|\b(?:what|which) (?:time|date|day|year|month)\b"),
    ("where", r"\bwhere\b|\b(?:what|which) (?:place|city|country|location|state|region)\b"),
    ("who", r"\b(?:who|whom|whose)\b|\b(?:what|which) (?:person|man|woman)\b"),
    ("how", r"\bhow\b"),
    ("what", r"\bwhat\b|\bwhich\b|^(?:define|explain|describe|definition|meaning)\b"),
    (
        "yes_no",
        r"^(?:\w+ ){1,5}(?:is|are|was|were|do|does|did|can|could|should|would|will) (?:i|you|we|it|there|they)\b",
    ),
)
_RULES = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_COMPARES = re.compile(r"^how (?:do|does|did|is|are) .*\b(?:differ|different)\b")
_TAIL = re.compile(r"\s(?:and|if so) (?:why|how|what|which|who)(?: not| is that)?$")


def without_courtesy(text: str) -> str:
    """Remove "hello", "please" and "can you tell me" from a lower-case question."""
    return _POLITE.sub("", text)


def kind_of(text: str) -> Kind:
    """Return the type of a lower-case question; ``open`` if no pattern matches.

    Phrases with the same meaning have one type: "what is the best way to", "how do I" and "is there a way to" are
    ``how``. A question that starts with any other auxiliary is ``yes_no``, whatever its later clauses ask.
    """
    text = _TAIL.sub("", without_courtesy(text)).strip()
    if _COMPARES.match(text):
        return "what"
    if _OPINION.search(text):
        return "opinion"
    if _IS_THERE_A_WAY.match(text):
        return "how"
    if _AUXILIARY_FIRST.match(text):
        return "yes_no"
    return next((kind for kind, pattern in _RULES if pattern.search(text)), "open")
