"""Use versus mention: an instruction to the assistant, or a question about one.

"How do I ignore previous migrations?" and "Translate 'ignore the noise'" contain the words of attacks, but they ask
about them. The functions read text in canonical form.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(
    r"(?<![a-z0-9])'[^'\n]{3,160}'(?![a-z0-9])|\"[^\"\n]{3,160}\"|“[^”\n]{3,160}”|‘[^’\n]{3,160}’|「[^」\n]{3,160}」"
    r"|『[^』\n]{3,160}』|«[^»\n]{3,160}»|`[^`\n]{3,160}`"
)
_ABOUT_QUOTE = re.compile(
    r"\b(?:translat\w+|mean(?:s|ing)?|phrases?|sentences?|spell\w*|grammar|regex|match\w*|detect\w*|filters?|attack\w*"
    r"|injections?|pronounce\w*|paraphrase|how do (?:you|i) say|count|why|dangerous|difference|synonym|logs?"
    r"|contains?|protect\w*|against|prevent\w*|defend\w*|block\w*|stop users|quote|example of)\b"
    r"|번역|무슨 뜻|의미|문장|문구|단어|맞춤법|공격|탐지|막|방어|왜|翻译|意思|什么意思|为什么|翻訳|意味|なぜ"
)
_OBEY_QUOTE = re.compile(
    r"\b(?:follow|obey|execute|do (?:it|what it says)|carry (?:it )?out|comply|act on)\b|따르|따라|수행|실행|执行|遵守|従っ"
)
_BOUNDARY = re.compile(r"[.!?。！？\n]")
_GENERIC_YOU = re.compile(
    r"\b(?:how|where|when|why|what) (?:do|does|can|could|would|should) you\b|\byou can\b"
)
_SECOND_PERSON = re.compile(
    r"\b(?:you|your|yours|yourself|u|ur)\b|(?:^|[\s,])(?:너|넌|널|네|니|당신|자네|그대)(?:가|는|의|를|에게|한테|도)?(?=[\s,]|$)"
    r"|[你您]|あなた|きみ|君[はがの]|お前"
)
_QUESTION = re.compile(
    r"^\W*(?:(?:and|so|but|or|also|hi|hello|hey|please|ok|okay|in \w+|on \w+)[\s,]+){0,3}"
    r"(?:how|why|what|what's|which|when|where|who|whose|is|are|was|were|does|do|did|should|can|could|may|will|would|has|have"
    r"|explain|describe|define)\b"
    r"|\bhow (?:to|do i|can i|can we|do we|should i|would i|does)\b|\bways? to\b|\bwhat happens (?:if|when)\b|\bhow .{0,60}\?"
)
_REQUEST = re.compile(
    r"^\W*(?:please |can you |could you )?(?:write|create|generate|implement|draft|add|build|design|develop|give me|show me how)\b"
    r".{0,60}\b(?:tests?|functions?|scripts?|regex|quer(?:y|ies)|programs?|e-?mails?|articles?|essays?|code|class|stor(?:y|ies)"
    r"|polic(?:y|ies)|guide|tutorial|command|rules?|examples?|how to)\b"
)
_QUESTION_ELSEWHERE = re.compile(
    r"어떻게|무엇|왜|언제|어디|방법|차이|이?란 |나요|까요|인가요|ㄴ가요|하려면|하면\s*(?:되|안)|(?:은|는|이|가|면|려면)\?"
    r"|怎么|怎样|如何|什么|为什么|吗|哪|どう|何|なぜ|方法|とは|には[?？]|ますか|ですか"
)
_REACH = 300


def addressed_text(text: str) -> str:
    """Return the text without short quotations that it asks to translate, explain or detect.

    Long quotations stay: a document may contain an instruction.
    """
    rest = _QUOTED.sub(" … ", text)
    if rest == text or not _ABOUT_QUOTE.search(rest) or _OBEY_QUOTE.search(rest):
        return text
    return rest


def is_about(sentence: str) -> bool:
    """Whether a sentence asks about something, and does not address the assistant."""
    if _SECOND_PERSON.search(_GENERIC_YOU.sub(" ", sentence)):
        return False
    return bool(
        _QUESTION.search(sentence) or _REQUEST.search(sentence) or _QUESTION_ELSEWHERE.search(sentence)
    )


def addresses_assistant(text: str) -> bool:
    """Whether a text contains a second person that is not the generic "how do you"."""
    return bool(_SECOND_PERSON.search(_GENERIC_YOU.sub(" ", text)))


def sentence_around(text: str, start: int, end: int) -> str:
    """Return the sentence around a match, at most 300 characters on each side."""
    before = [match.end() for match in _BOUNDARY.finditer(text, max(0, start - _REACH), start)]
    after = _BOUNDARY.search(text, max(start, end - 1), min(len(text), end + _REACH))
    left = before[-1] if before else max(0, start - _REACH)
    return text[left : after.end() if after else min(len(text), end + _REACH)]
