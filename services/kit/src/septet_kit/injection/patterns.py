"""Patterns of instructions to an assistant inside a document, in English and Korean.

They match a sentence in canonical form without line breaks. ``ADDRESSED`` sentences address an assistant. ``CONTROLS``
sentences say what an answer should contain or look like: documentation about prompts has them as examples.
"""

from __future__ import annotations

import re

_ANSWER = (
    r"(?:answers?|responses?|repl(?:y|ies)|summar(?:y|ies)|translations?|completions?|final (?:message|text))"
)
_MACHINE = (
    r"(?:ai|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|chatgpt|gpt(?:-\w+)?|claude|gemini|copilot|bots?|virtual assistants?"
    r"|(?:ai |digital |helpful )?assistants?|(?:ai |language )?models?|(?:ai |summari[sz]ation )?agents?)"
)
_VERB = (
    r"(?:add|adjust|alter|answer|append|apply|attach|augment|base|begin|change|compose|conclude|convert|craft|deliver|do not|don'?t|encode"
    r"|encrypt|end|enhance|ensure|express|finish|format|generate|give|group|highlight|include|incorporate|inject|insert|integrate"
    r"|introduce|keep|limit|make|mention|mix|modify|must|never|omit|only|output|place|present|prepend|print|produce|provide|put|rearrange"
    r"|remove|render|repeat|replace|replicate|rephrase|represent|respond|reverse|rewrite|scramble|sign|spell|start|state|structure"
    r"|substitute|swap|switch|transform|translate|turn|use|weave|wrap|write)"
)
_TEXT = r"(?:document|page|text|article|e-?mail|message|content|passage|file|report|note|paragraph|context|material|record|ticket|review)s?"
_USE = r"(?:read|process|pars|summari[sz]|index|analy[sz]|translat|answer|quot|us|cit|retriev|ingest|review|handl)(?:ing|es?|s)?"

# The start of an order: of a sentence or clause.
_CLAUSE = r"(?:^\W*|[.,:;!>]\s*|(?:--|[#*/|(])\s*|\b(?:and|then|please|must|should|instead|always|never|also|just|only|simply) )"


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts))


# Sentences that address an assistant in any document.
ADDRESSED = _any(
    rf"\b(?:if|when|since|because|as|while)\s+you(?:'?re| are)\s+(?:an?|the)\s+(?:\w+ )?{_MACHINE}\b",
    rf"\b{_MACHINE}(?: \w+)?\s+(?:that |which |who )?(?:is |are )?{_USE}\s+(?:this|the)\s+{_TEXT}\b[^.?!]{{0,40}}\b(?:must|should|shall|will|has to|need to|please|:|,)",
    rf"^\W*(?:\w+ ){{0,2}}(?:note|notice|message|attention|instructions?|reminder|memo)s?\s+(?:to|for)\s+(?:the |all |any )?(?:\w+ )?{_MACHINE}\b"
    rf"(?: \w+){{0,5}}(?:[:,]|\s[-–—])",
    rf"(?:^|[\s(\[*>#-])(?:dear|hey|hello|attention,?|hi) (?:the |all )?{_MACHINE}\b",
    rf"^\W*(?:{_MACHINE}|system)\s*[:,]\s+(?:please |you |do |don'?t |never |always )?{_VERB}\b",
    rf"\b(?:when|if|before|while|whenever|after)\s+(?:you )?(?:are )?(?:asked to )?(?:{_USE})\s+(?:this|the above|the following|any of this)\s*(?:{_TEXT})?,?\s+(?:you must|you should|you will|please|always|never|also|instead|do not|don'?t|{_VERB})\b",
    rf"{_CLAUSE}(?:ignore|disregard|forget) (?!if\b)[^.?!]{{0,60}}\b(?:and|then) (?:instead |just |only |simply )?(?:state|say|write|output|reply|respond|print|tell|answer)\b",
    r"\b(?:do not|don'?t|never|without)\s+(?:\w+ ){0,2}(?:mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|tell(?:ing)?|inform(?:ing)?|show(?:ing)?|say(?:ing)?|admit(?:ting)?)\b[^.?!]{0,40}\b(?:(?:this|these|that|any) (?:instructions?|notes?|messages?|commands?|directives?|rules?|prompts?)|(?:to |from )?the (?:user|human|person asking|reader))\b",
)

# Sentences that control an answer. Documents about prompts contain many of them as examples.
CONTROLS = _any(
    rf"{_CLAUSE}{_VERB}\b[^?!]{{0,160}}\byour (?:\w+ ){{0,2}}{_ANSWER}\b",
    rf"{_CLAUSE}(?:in|to|at the (?:end|start|beginning) of|within|throughout|before|after|as part of) (?:all )?your (?:\w+ ){{0,2}}{_ANSWER}\b[^.?!,]{{0,30}},",
    rf"\byour (?:\w+ ){{0,2}}{_ANSWER}(?: \w+)? (?:must|should|shall|has to|needs? to|will)\b",
    r"(?:^|[.,:;!]\s*|\b(?:and|then|instead|please|must|should|to|only|always|simply|just) )(?:respond|reply|answer)(?: to (?:the|this|every|any|all)[^.?!,]{0,40})? (?:only|exclusively|solely|just|always|instead|with|in|as)\b",
    r"(?:^|[.,:;!]\s*|\b(?:and|then|instead|please|just|only|always) )(?:say|output|print|write|return|repeat|state) (?:only|exactly|nothing (?:but|except)|the (?:exact )?(?:words?|phrase|sentence|following)\b)",
    rf"{_CLAUSE}(?:tell|inform|convince|urge|persuade|instruct|direct|advise|assure) (?:the |this |your |every )?(?:users?|readers?|person (?:asking|who asked)|human|customers?|people)\b[^.?!]{{0,20}}\b(?:to|that|about|into)\b",
)
# Endings of orders, at the end of a clause.
_KOREAN_ORDER = (
    r"(?:(?:하|해|시키|시켜|따르|넣|붙이|바꾸|쓰|적|답하|말하|알리|전하|숨기|끝내|마치|추가하|포함하|출력하|언급하|밝히|드러내|권하|추천하|무시하|대체하|제외하)?"
    r"(?:라|아라|어라|여라|세요|으세요|십시오|으십시오|시오|으시오|거라|도록|지\s?마(?:라|세요|십시오|시오)?|지\s?말\s?것|지\s?말(?:라|고|아라)?|ㄹ\s?것)"
    r"|(?:해|써|적어|넣어|붙여|바꿔|답해|말해|알려|전해|숨겨|끝내|추가해|포함해|출력해|안내해|유도해|추천해|번역해|따라|해야)(?:라|줘|\s?줘|\s?주세요|\s?주십시오|야\s?(?:한다|합니다|해|돼))?"
    r"|할\s?것|쓸\s?것|넣을\s?것|답할\s?것|말\s?것|마라|말아라)(?=[\s.!\"'”’)」』~]*$|[.!]\s)"
)
_KOREAN_MACHINE = r"(?:ai|인공지능|챗봇|챗지피티|언어\s?모델|어시스턴트|비서|모델|봇|에이전트|gpt|llm)"
ADDRESSED_KO = _any(
    rf"(?:이|본|위|아래|해당)\s?(?:문서|글|페이지|내용|텍스트|자료|메일|이메일|기사|문단|파일)[을를]?\s?[^.?!]{{0,16}}(?:읽|요약|처리|번역|분석|참고|인용|검색|검토)[^.?!]{{0,12}}{_KOREAN_MACHINE}",
    rf"{_KOREAN_MACHINE}[^.?!]{{0,12}}(?:라면|이라면|에게|님|은|는|야|아|,|:|가|이|도)\s?[^.?!]{{0,80}}{_KOREAN_ORDER}",
    rf"(?:이|본|위)\s?(?:문서|글|페이지|내용|텍스트|자료|메일|이메일|기사)[을를]?\s?(?:요약|번역|인용|분석|처리|참고|읽)[^.?!]{{0,14}}(?:때|경우|면|전에|후에)[^.?!]{{0,80}}{_KOREAN_ORDER}",
    rf"(?:사용자|질문자|이용자|질문한\s?사람)(?:에게|한테|가|를|을)[^.?!]{{0,80}}{_KOREAN_ORDER}",
    r"(?:이|위의?)\s?(?:지시|명령|안내|메시지|문장)[^.?!]{0,12}(?:언급|공개|알리|말하|밝히|드러내)[^.?!]{0,4}(?:지\s?(?:마|말)|않)",
)
CONTROLS_KO = _any(
    rf"(?:답변|응답|대답|답장|요약문|요약|출력|답|번역문)(?:의|을|를|은|는|에|에는|에서|으로|마다|할\s?때|하기\s?전에|하면서|끝에|맨|앞에|뒤에|과|와)\s?[^.?!]{{0,80}}{_KOREAN_ORDER}",
    rf"(?:질문|물음|무엇을\s?(?:묻|물어))[^.?!]{{0,30}}(?:오직|무조건|반드시|항상|언제나|그냥|만)[^.?!]{{0,60}}{_KOREAN_ORDER}",
    rf"(?:라고|이라고|다고)만?\s?(?:답|대답|말|출력|응답|써|적|전)[^.?!]{{0,6}}{_KOREAN_ORDER}|[\"'”’」』]\s?(?:라고|이라고)만?\s?(?:답|대답|말|출력|응답|쓰|써|적)",
)
