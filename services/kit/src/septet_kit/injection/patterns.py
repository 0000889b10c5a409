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
    r"|encrypt|end|enhance|ensure|express|finish|follow|format|generate|give|group|highlight|include|incorporate|inject|insert|integrate"
    r"|introduce|keep|leave|limit|make|mention|mix|modify|must|never|omit|only|output|place|present|prepend|print|produce|provide|put|rearrange"
    r"|remove|render|repeat|replace|replicate|rephrase|represent|respond|reverse|rewrite|scramble|sign|spell|start|state|structure"
    r"|substitute|swap|switch|transform|translate|turn|use|weave|wrap|write)"
)
_TEXT = r"(?:document|page|text|article|e-?mail|message|content|passage|file|report|note|paragraph|context|material|record|ticket|review)s?"
_READ = r"(?:read|process|pars|summari[sz]|index|analy[sz]|translat|quot|cit|retriev|ingest)(?:e|es|ing|s)?"
_RETELL = r"(?:summari[sz]|translat|paraphras|rephras|retell)(?:e|es|ing|s)?"

_TO_YOU = (
    r"(?:^\W*|[.,:;!]\s+|\b(?:you (?:must|should|will|shall|are to)|please|instead|always|only|simply|just) )"
)
# The start of an order: of a sentence or clause.
_CLAUSE = r"(?:^\W*|[.,:;!>]\s*|(?:--|[#*/|(])\s*|\b(?:and|then|please|you must|you should|instead|always|never|also|just|only|simply) )"


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts))


# Sentences that address an assistant in any document.
ADDRESSED = _any(
    rf"\b(?:if|when|since|because|as|while)\s+you(?:'?re| are)\s+(?:an?|the)\s+(?:\w+ )?{_MACHINE}\b",
    rf"\b{_MACHINE}(?: \w+)?\s+(?:that |which |who )?(?:is |are )?{_READ}\s+(?:this|the)\s+{_TEXT}\b[^.?!]{{0,40}}"
    r"\b(?:must|should|shall|will|has to|need to|please|:|,)",
    r"^\W*(?:\w+ ){0,2}(?:note|notice|message|attention|instructions?|reminder|memo)s?\s+(?:to|for)\s+(?:the |all |any )?"
    rf"(?:\w+ )?{_MACHINE}\b(?: \w+){{0,5}}(?:[:,]|\s[-–—])",
    rf"(?:^|[\s(\[*>#-])(?:dear|hey|hello|attention,?|hi) (?:the |all )?{_MACHINE}\b",
    rf"^\W*(?:{_MACHINE}|system)\s*[:,]\s+(?:[^.?!:]{{0,60}}[,;] )?(?:please |you |do |don'?t |never |always )?{_VERB}\b",
    rf"\b(?:when|if|before|while|whenever|after)\s+(?:you )?(?:are )?(?:asked to )?{_RETELL}\s+this\s*(?:{_TEXT})?,?\s+"
    rf"(?:you must|you should|you will|please|always|never|also|instead|do not|don'?t|{_VERB})\b",
    rf"{_CLAUSE}(?:ignore|disregard|forget) (?!if\b)[^.?!]{{0,60}}\b(?:and|then) (?:instead |just |only |simply )?"
    r"(?:state|say|write|output|reply|respond|print|tell|answer)\b",
    r"\b(?:do not|don'?t|never|without)\s+(?:\w+ ){0,2}(?:mention|reveal|disclos|admit|quot)(?:e|ing)?\b[^.?!]{0,20}"
    r"\b(?:this|these|that|those) (?:instructions?|directives?|commands?|prompts?)\b",
    r"\b(?:convince|persuade|trick|lie to|deceive) the (?:users?|person (?:asking|who asked)|human)\b",
)

# Sentences that control an answer. Documents about prompts contain many of them as examples.
CONTROLS = _any(
    rf"{_CLAUSE}{_VERB}\b[^?!]{{0,160}}\byour (?:\w+ ){{0,2}}{_ANSWER}\b",
    r"(?:^\W*|[.:;!]\s+)(?:in|to|at the (?:end|start|beginning) of|within|throughout|as part of) (?:all )?your "
    rf"(?:\w+ ){{0,2}}{_ANSWER}\b[^.?!,]{{0,30}},",
    rf"{_TO_YOU}(?:respond|reply|answer)(?: to (?:the|this|every|any|all)[^.?!,]{{0,40}})? (?:only|exclusively|solely|just|always"
    r"|with (?:only|exactly|nothing|the (?:exact )?(?:words?|phrase|sentence|text|message)\b)|as (?:if|an?)\b"
    r"|in (?:all )?(?:caps|capitals|capital letters|rhymes?|\w+ only|french|german|spanish|italian|korean|japanese|chinese|latin))",
    rf"{_CLAUSE}(?:begin|start|end|finish|preface|prefix|sign) (?:every|each|all|any) (?:of )?(?:your )?{_ANSWER} with\b",
    r"\byour (?:\w+ )?(?:summary|translation|completion)(?: \w+)? (?:must|should|shall|has to|needs? to)\b",
    rf"{_TO_YOU}(?:(?:say|output|state|repeat) (?:only|exactly|nothing (?:but|except))|(?:say|output|print|write|repeat|state) "
    r"the (?:exact )?(?:words?|phrase|sentence|following)\b)",
)

_KOREAN_ORDER = (
    r"(?:(?:하|시키|따르|넣|붙이|바꾸|쓰|적|답하|말하|알리|전하|숨기|끝내|마치|밝히|드러내|권하)"
    r"(?:라|으라|세요|으세요|십시오|으십시오|시오|으시오|도록|지\s?마(?:라|세요|십시오|시오)?|지\s?말\s?것|지\s?말(?:라|아라)?)"
    r"|(?:해|써|적어|넣어|붙여|바꿔|알려|전해|숨겨|끝내|따라|밝혀|권해|시켜)(?:라|줘|\s?줘|\s?주세요|\s?주십시오|야\s?(?:한다|합니다|해|돼))"
    r"|(?:할|쓸|넣을|붙일|말)\s?것|마라|말아라)(?=[\s.!\"'”’)」』~]*$|[.!]\s)"
)
"""An order at the end of a sentence."""

_KOREAN_MACHINE = r"(?:ai|인공\s?지능|챗봇|챗지피티|언어\s?모델|어시스턴트|gpt|llm)"
_KOREAN_TEXT = r"(?:문서|글|페이지|내용|텍스트|자료|메일|이메일|기사|문단|파일)"
_REST = r"(?:[^.?!]|\.(?=\w)){0,80}"
ADDRESSED_KO = _any(
    rf"(?:이|본|위|아래|해당)\s?{_KOREAN_TEXT}[을를]?\s?[^.?!]{{0,16}}(?:읽|요약|처리|번역|분석|참고|인용|검색|검토)[^.?!]{{0,12}}"
    rf"(?:{_KOREAN_MACHINE}|모델|비서|에이전트)",
    rf"{_KOREAN_MACHINE}(?:들)?(?:이?라면|\s?모델이라면|에게\s?(?:알림|지시|전달|메모|부탁|주는|드리는|보내는|[:,])|님\b|야,)",
    rf"^\W*(?:{_KOREAN_MACHINE}|시스템)\s?:{_REST}{_KOREAN_ORDER}",
    rf"(?:이|본|위)\s?{_KOREAN_TEXT}[을를]?\s?(?:요약|번역)[^.?!]{{0,14}}(?:때|경우|면|전에|후에|에는){_REST}{_KOREAN_ORDER}",
    rf"(?:사용자|질문자|이용자|질문한\s?사람)(?:에게|한테)(?:는|도)?\s{_REST}(?:다고|라고|하라고|도록)\s?(?:말|답|대답|전|권|유도|설득|속)[^.?!]{{0,6}}"
    rf"{_KOREAN_ORDER}",
    r"(?:지금부터|이제부터|앞으로)(?:는)?\s?(?:당신은|너는|넌|네가)\s",
    rf"(?:처럼|말투로)만?\s?(?:대답|답변|답)[^.?!]{{0,4}}{_KOREAN_ORDER}",
    r"(?:이|위의?)\s?(?:지시|명령)[^.?!]{0,12}(?:언급|공개|알리|말하|밝히|드러내)[^.?!]{0,4}(?:지\s?(?:마|말)|않)",
)
CONTROLS_KO = _any(
    # People fill in, send and record answers, too; and 응답 alone is also that of a server.
    r"(?:(?:답변|대답|요약문|요약|번역문)(?:의|은|는|에|에는|에서|으로|마다)|(?:당신|너|네)(?:의)?\s?(?:답변|응답|대답|출력)"
    r"|(?:답변|응답|대답|요약|출력)\s?(?:할\s?때|하기\s?전에|하면서|끝에|맨|앞에|뒤에|마지막에|의\s?(?:끝|처음|마지막|첫)|[을를]\s?[^.?!]{1,20}로만?\s))"
    rf"(?![^.?!]*(?:보내|제출|기록|작성|입력|등록|저장|선택|클릭|확인|검토)){_REST}{_KOREAN_ORDER}",
    rf"(?:질문|물음|무엇을\s?(?:묻|물어))[^.?!]{{0,30}}(?:오직|무조건|언제나|그냥){_REST}{_KOREAN_ORDER}",
    rf"(?:라고|이라고|다고)만?\s?(?:답|대답|말|출력|응답|써|적)[^.?!]{{0,6}}{_KOREAN_ORDER}",
)
