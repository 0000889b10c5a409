"""Canonical wording of English questions: equivalent question forms and context sentences."""

from __future__ import annotations

import re

_NOUN_PHRASE = r"(?:my|our|the|a|an|some)(?: [\w'.-]+){1,4}?"
_QUESTION = (
    r"(?:how|what|which|when|where|why|who|can|could|should|do|does|is|are|will|would|may|please|tell)\b.*"
)
_LINK = r"\s*[,.;:!?-]*\s+(?:(?:and|so|but|now)\s+)?"
#: States that the question after them implies: whoever resets a password has lost it.
_STATE = (
    r"(?:i|we)(?: have| had)?(?: just| recently| accidentally)?"
    r" (?:forgot|forgotten|lost|misplaced|have|own|got|need|want|do not remember|can not remember)"
)
_CONTEXT = re.compile(rf"^{_STATE} (?P<object>{_NOUN_PHRASE}){_LINK}(?P<question>{_QUESTION})$", re.I)
_WISH = re.compile(
    rf"^(?:i|we)(?: am| are)? (?:want|need|would like|plan|hope|wish|try|trying|planning|hoping) to (?P<action>[\w'., -]+?){_LINK}"
    r"(?P<question>how (?:do|can|could|should|would) (?:i|we|one|you) do (?:it|that|this|so))\W*$",
    re.I,
)
_AFTERTHOUGHT = re.compile(
    rf"(?<=[?.!,])\s*(?:because )?{_STATE} (?P<object>it|them|{_NOUN_PHRASE})\W*$", re.I
)
_PRONOUN = re.compile(
    r"\b(?:it|them|this one|one|this|that)\b(?=\W*$| (?:in|on|for|with|from|to|again|back|online|by)\b)", re.I
)
_COURTESY_AFTER = re.compile(
    r"(?:[?.!,]\s*|\s)(?:please help(?: me)?|help me|any help|thanks?(?: you)?(?: in advance)?|please)\W*$",
    re.I,
)
_FILLER = re.compile(
    r"(?<=\s)(?:do|does|did) (?:you|people) (?:think|believe|reckon) (?!of\b|about\b|that\b)"
    r"|,? ?\b(?:in your opinion|according to you|in general)\b,?"
    r"|\s(?:that |which )?(?:(?:you|i|we) (?:have )?)?ever (?:been )?(?:seen|made|created|designed|read|heard|had|received|used|written)\b"
    r"|\s(?:of all time|out there)\b",
    re.I,
)

_KINDS = r"city|country|state|town|place|person|man|woman|company|organi[sz]ation|term|word|thing"
_PEOPLE = r"(?:i|we|you|one|someone|somebody|a person)"
#: What the asker does: verbs before "ing".
_APPLICANT = r"(?:fil|claim|cancell?|return|request|register|renew|apply|chang|report|submitt)ing\b"
_OBTAIN = r"(?:find|get(?! (?:off|on|in|out)\b)|obtain|buy|order|see|check|view|download|apply|register)"
_RECORDS = r"(?:grades|results|scores|coupons|invoices|payslips)"
_REWRITES = tuple(
    (re.compile(pattern, re.I), replacement)
    for pattern, replacement in (
        (r"\b(?:what|which) (?:time|date) (is|are|was|were|do|does|did|will|can|should)\b", r"when \1"),
        (r"\bat (?:what|which) time\b|\bon (?:what|which) date\b", "when"),
        (rf"\b(?:what|which) (?:{_KINDS}) (is|are|was|were) (?=(?:the|a|an|called|known)\b)", r"what \1 "),
        (r"\b(what|which) (?:would|could|will|might) be (?=(?:the|a|an|your|some)\b)", r"\1 is "),
        (r"\bhow much time (?=(?:do|does|did|will|would|is)\b)", "how long "),
        (r"\bwhat (?:is|are) the (?:price|cost)s? of ([^?]+)", r"how much does \1 cost"),
        (r"\bwhat (do|does|did|will) ([^?]+?) cost\b", r"how much \1 \2 cost"),
        (r"\bwhat (?:is|are) the (?:total )?(?:number|count|quantity) of\b", "how many"),
        (r"\bwhat (is|was) the height of\b", r"how tall \1"),
        (r"\bwhat (is|was) the age of\b", r"how old \1"),
        (r"\bwhat (?:is|are|was|were) (?:the )?(?:main |real )?reasons? (?:for|of|behind|that|why)\b", "why"),
        (rf"\bwhat (?:can|could) {_PEOPLE} do to\b", "how can i"),
        (rf"\bwhat (?:should|must|do) {_PEOPLE} (?:have to |need to )?do (?:to|in order to)\b", "how do i"),
        # "The process for hiring" is that of another party.
        (
            rf"\bwhat (?:is|are) the (?:process|procedure|steps) for (?={_APPLICANT})(\w+?)ing\b",
            r"how do i \1ing",
        ),
        (r"\bwhat (?:is|are) the (?:process|procedure|steps) (?:to|in order to)\b", "how do i"),
        # "To book the revenue" is not to reserve it.
        (
            rf"\b(how (?:do|can|could|should) {_PEOPLE}|to) book"
            r" (?=(?:a|an|the|my|our) (?:[a-z]+ )?(?:room|table|seat|desk|space|slot|court|hall)\b)",
            r"\1 reserve ",
        ),
        # "Where can I work" is not "where do I work".
        (rf"\bwhere (?:can|could) {_PEOPLE} (?={_OBTAIN}\b)", "where do i "),
        # "To check a coat" is not to find it.
        (rf"\bwhere do i (?:see|check|view|look up) (?=my (?:[a-z]+ )?{_RECORDS}\b)", "where do i find "),
        # The opening date is that of a new museum, not its hours.
        (r"\bwhat is the (start|end|release|due) date (?:of|for) ([^?]+)", r"when does \2 \1"),
        (
            r"\bwhat (?:is|are) the (opening(?= time)|closing) (?:times?|hours) (?:of|for) ([^?]+)",
            r"when does \2 \1",
        ),
        (rf"\bis it possible (?:for {_PEOPLE} )?to\b", "can i"),
        (rf"\b(?:am i|are we) (?:able|allowed|permitted) to\b|\b(?:is|are) {_PEOPLE} allowed to\b", "can i"),
        (r"\bwhat is it like (?:to be|being)\b", "how does it feel to be"),
        (r"\bwhat does it feel like (?:to be|being)\b", "how does it feel to be"),
        (r"\bhow does it feel (?:like )?being\b", "how does it feel to be"),
        (r"\bwhat does ([^?]+?) stand for\b", r"what is the full form of \1"),
        (r"\b(?:into|in to)\b", "into"),
        (r"\b(?:these days|nowadays|at the moment|at present|right now)\b", "now"),
        (r"\bget rid (?:of|off)\b", "remove"),
        (r"\bget back\b", "recover"),
        (r"\b(?:is|are) referred to as\b", "is called"),
    )
)


#: Units in which a question can ask for a time.
_CALENDAR = (
    ("time", re.compile(r"\b(?:what|which) time\b|\b(?:opening|closing) (?:times?|hours)\b", re.I)),
    ("date", re.compile(r"\b(?:what|which) (?:date|day)\b|\b(?:start|end|release|due) date\b", re.I)),
)


def calendar(text: str) -> str:
    """Return the unit in which a question asks for a time; empty if it names none or several."""
    units = [unit for unit, pattern in _CALENDAR if pattern.search(text)]
    return units[0] if len(units) == 1 else ""


def canonical(text: str) -> str:
    """Replace equivalent question forms by one form, and resolve context sentences.

    "I forgot my password, how do I reset it?" becomes "how do I reset my password?". Only states that the question
    implies are removed; any other context stays and must match.
    """
    text = _without_context(_COURTESY_AFTER.sub("", _FILLER.sub("", text)).strip() or text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def _without_context(text: str) -> str:
    if found := _WISH.match(text):
        return re.sub(r"\bdo (?:it|that|this|so)\b", found["action"], found["question"], flags=re.I)
    if found := _CONTEXT.match(text):
        return _resolved(found["question"], found["object"]) or text
    if found := _AFTERTHOUGHT.search(text):
        question = text[: found.start()]
        if found["object"].lower() in {"it", "them"}:
            return question
        return _resolved(question, found["object"]) or text
    return text


def _resolved(question: str, noun: str) -> str:
    """Return the question with its pronoun replaced by ``noun``; empty if it neither has one nor names the noun."""
    pronoun = _PRONOUN.search(question)
    if pronoun:
        return question[: pronoun.start()] + noun + question[pronoun.end() :]
    head = noun.split()[-1].lower()
    return question if re.search(rf"\b{re.escape(head)}s?\b", question, re.I) else ""
