"""Patterns of instructions to an assistant inside a document, in English and Korean, and a few in Chinese and Japanese.

They match a sentence in canonical form without line breaks. Documents are full of orders to human readers, so an order
counts only if it names a language model as its reader, revokes the instructions of one, or controls its answer. A
doubtful sentence does not match. ``ADDRESSED`` sentences address an assistant. ``CONTROLS`` sentences say what an answer
should contain or look like: documentation about prompts has them as examples, and exams and forms have similar ones.
"""

from __future__ import annotations

import re

_ANSWER = (
    r"(?:answers?|responses?|repl(?:y|ies)|summar(?:y|ies)|translations?|completions?|final (?:message|text))"
)
# Names of language models. An agent, a model or an assistant alone can be a person or a product.
_MACHINE = (
    r"(?:ai|a\.i\.|ai (?:systems?|models?|assistants?|agents?)|llms?|(?:large )?language models?|chat ?bots?|chatgpt|gpt(?:-\w+)?"
    r"|(?:virtual|digital) assistants?)"
)
_ADDRESSEE = rf"(?:{_MACHINE}(?! \w)|{_MACHINE}(?= (?:reading|processing|summari[sz]ing|answering|that|who|which|and|or|of|in|on|you)\b))"
_MAYBE_MACHINE = r"(?:assistants?|models?|agents?|bots?)"
# Verbs that change the form or content of a whole answer.
_CHANGE = (
    r"(?:adjust|alter|anagram|apply|augment|combine|compose|convert|craft|encode|encrypt|enhance|express|generate|group|inject|integrate|introduce"
    r"|jumble|misspell|mix|modify|omit|output|prepend|rearrange|remove|render|repeat|replace|replicate|rephrase|represent|reverse|rewrite|scramble"
    r"|shift|spell|structure|substitute|swap|switch|transform|translate|turn|weave|wrap)"
)
# Verbs that put something into an answer, or write it.
_PUT = r"(?:add|append|ensure|highlight|include|incorporate|insert|make|mention|place|print|put|use)"
_WRITE = r"(?:write|provide|present|give|produce|deliver|format|compose|craft|make|put)"
# People put known things into their answers: "your account number", "the date of delivery".
_KNOWN = (
    r"(?:(?:your|my|our|this|these|any|all|both|at least|the (?!(?:following|link|url|sentence|phrase|words?|text|statement)\b)) ?"
    r"|(?:an? |two |three |some )?(?:\w+ )?(?:diagrams?|examples?|explanations?|reasons?|references?|sources?|sketch|graph|quotations?|quotes|evidence"
    r"|details?|definitions?|calculations?|page numbers?)\b(?![^?!]*(?:\.com|https?:)))"
)
# Where and how people write theirs: in the boxes, in writing, in full sentences.
_PLACE = r"(?:the|a|an|this|each|your|our|writing|full|person|detail|time|order|section|part|black|blue|ink|pencil|complete|one|two)\b"
_SPEAK = r"(?:say|state|answer|respond|reply|output|recommend|mention|claim)"
_TEXT = r"(?:document|page|text|article|e-?mail|message|content|passage|file|report|note|paragraph|context|material|record|ticket|review)s?"
_READ = r"(?:read|process|pars|summari[sz]|index|analy[sz]|translat|quot|cit|retriev|ingest)(?:e|es|ing|s)?"
_RETELL = r"(?:summari[sz]|translat|paraphras|rephras|retell)(?:e|es|ing|s)?"
_MUST = r"(?:must|should|shall|will|has to|have to|need to|please)(?! (?:\w+ )?be\b)"

_TO_YOU = (
    r"(?:^\W*|[.,:;!]\s+|\b(?:you (?:must|should|will|shall|are to)|please|instead|always|only|simply|just) )"
)
# The start of an order: of a sentence or clause.
_CLAUSE = r"(?:^\W*|[.,:;!>]\s*|(?:--|[#*/|(])\s*|\b(?:and|then|please|you must|you should|instead|always|never|also|just|only|simply) )"
_EARLIER = r"(?:previous|prior|above|preceding|earlier|foregoing|initial|original|former|your|system)"
_INSTRUCTIONS = r"(?:instructions?|directions?|directives?|prompts?|guidelines?|programming|training|rules?|commands?|orders?)"
_FORGET = r"(?:ignore|disregard|forget|override|overrule|bypass|do not follow|don'?t follow|stop following)"


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts))


# Sentences that address an assistant in any document.
ADDRESSED = _any(
    rf"{_CLAUSE}{_FORGET} (?:about )?(?:(?:all|any|of|the|these|those|my|every) ){{0,3}}(?:{_EARLIER} (?:(?:and|or) )?){{1,3}}{_INSTRUCTIONS}\b"
    r"(?! (?:if|when|unless|in|on|from|for|about)\b)",
    rf"{_CLAUSE}(?:ignore|disregard|forget) (?:everything|anything|all(?: the)? text|all) (?:above|before|(?:said|written|told) (?:above|before|so far))\b"
    r"(?! (?:if|when|unless)\b)",
    r"\b(?:reveal|show|print|display|output|repeat|leak|tell|give)\b[^.?!\n]{0,30}\byour (?:\w+ )?(?:(?:system|hidden|secret|initial) prompt"
    r"|(?:hidden|secret|system) instructions)\b",
    r"\bdo anything now\b|\bdan mode\b|\b(?:unfiltered|uncensored|unrestricted|jailbroken|amoral) (?:ai|assistant|chatbot|llm)\b",
    r"\bfrom now on,? you (?:are|will|have|act|must)\b[^.?!]{0,40}\b(?:no (?:restrictions|rules|filters?)(?=\W*$|[.,;!])|an? (?:\w+ )?(?:ai|chatbot|language model)\b)",
    rf"\b(?:if|when|since|because|as|while)\s+you(?:'?re| are)\s+(?:an?|the)\s+(?:\w+ )?{_ADDRESSEE}",
    rf"\b{_MACHINE}\s+(?:that |which |who )?(?:is |are )?{_READ}\s+this\s+{_TEXT}\b[^.?!]{{0,40}}\b{_MUST}",
    rf"\b{_MAYBE_MACHINE}\s+(?:that |which |who )?(?:is |are )?{_READ}\s+this\s+{_TEXT}\b[^.?!]{{0,40}}\b{_MUST}[^.?!]{{0,20}}\b{_SPEAK}\b",
    r"^\W*(?:\w+ ){0,2}(?:note|notice|message|attention|instructions?|reminder|memo)s?\s+(?:to|for)\s+(?:the |all |any )?"
    rf"(?:{_ADDRESSEE}(?: \w+){{0,5}}(?:[:,]|\s[-–—])|(?:assistant|model|bot)\s?[:,][^.?!]{{0,80}}\b{_SPEAK} (?:that|with|only)\b)",
    rf"(?:^|[\s(\[*>#-])(?:dear|hey|hello|attention,?|hi) (?:the |all )?{_MACHINE}\s?[,:!]",
    rf"^\W*{_MACHINE}\s*[:,]\s+(?:[^.?!:]{{0,60}}[,;] )?(?:please |you |always )?(?:ignore|disregard|forget|{_SPEAK}|do not (?:mention|reveal))\b",
    rf"^\W*system\s*[:,]\s+[^.?!:]{{0,40}}\b{_EARLIER} {_INSTRUCTIONS}\b",
    rf"\b(?:when|if|before|while|whenever|after)\s+(?:you )?(?:are )?(?:asked to )?{_RETELL}\s+this\s*(?:{_TEXT})?,?\s+"
    r"(?:(?:you must|you should|you will|please|always|never|also|instead|do not|don'?t) )*(?:leave out|omit|mention|include|say|state|add|recommend|claim)\b",
    rf"{_CLAUSE}(?:ignore|disregard|forget) [^.?!]{{0,40}}\b(?:{_EARLIER} {_INSTRUCTIONS}|everything|(?:web)?page|document|text|contents?|function"
    r"|code|article|above|question)\b[^.?!]{0,20}\b(?:and|then) (?:instead |just |only |simply )?"
    r"(?:(?:state|say|output|print)(?:\s?[:\"'“‘]| that\b)|(?:reply|respond|answer) (?:that|with|only|as)\b|write (?:an?|that)\b)",
    r"\b(?:ignore|disregard|forget) [^.?!]{0,60}\b(?:and|then) (?:instead |just |only |simply )?(?:state|say|output)\b"
    r"(?:\s?:| the (?:\w+ ){1,5}(?:is|are|was|were)\b)",
    r"\b(?:do not|don'?t|never|without)\s+(?:\w+ ){0,2}(?:mention|reveal)(?:ing)?\s+(?:this|these|that|those) (?:instructions?|directives?|commands?|prompts?)"
    r"\s*(?:$|[.!]|(?:to the (?:user|human)|in your)\b)",
    r"(?:^\W*|[.:;>]\s*)(?:trick|lie to|deceive) the (?:users?|person (?:asking|who asked)|human)\b",
    rf"\b(?:act|pretend|behave|respond|answer|roleplay|imagine)\b[^.!?]{{0,80}}\b(?:{_MACHINE}|assistant)\b[^.!?]{{0,40}}\b(?:without|no|free of|free from)"
    r" (?:any )?(?:\w+ )?(?:restrictions?|filters?|limits|limitations|censorship|rules|ethics|guidelines)\b",
    # Control tokens of chat templates. [system] and <system> alone are sections of configuration files.
    r"<\|(?:im_start|im_end|system|endoftext|assistant|start_header_id|eot_id)\|>|\[/?inst\]|<<\s*/?sys\s*>>"
    r"|<\s*/?\s*system[\s_-]*(?:mode|prompt|override)\s*>|\[system (?:prompt|override)\]",
)

# Sentences that control an answer. Documents about prompts contain many of them as examples.
CONTROLS = _any(
    rf"{_CLAUSE}{_CHANGE}\b[^?!]{{0,160}}(?<!of )(?<!for )\byour (?:\w+ ){{0,2}}{_ANSWER}\b",
    rf"{_CLAUSE}{_CHANGE} [^?!]{{0,30}}\bof your (?:\w+ ){{0,2}}{_ANSWER}\b",
    rf"{_CLAUSE}use [^?!]{{0,80}}\b(?:to|when|for) (?:convert|encod|encrypt|express|render|replac|represent|revers|rewrit|scrambl|translat)(?:e|ing)? "
    rf"(?:[^?!,]{{0,30}} )?your (?:\w+ )?{_ANSWER}\b",
    rf"{_CLAUSE}(?:{_CHANGE}|{_PUT}|{_WRITE})\b(?=[^?!]*\b(?:cipher|base-?(?:16|32|58|64|85)|rot-?13|morse|pig latin|leetspeak|homophonic|emojis?)\b)"
    rf"[^?!]{{0,120}}\byour (?:\w+ )?(?:{_ANSWER}|message|output|text|words)\b",
    rf"{_CLAUSE}{_PUT} (?!{_KNOWN})(?:(?!\bof your\b)[^?!]){{0,160}}\b(?:in|into|to|within|throughout|of) your (?:\w+ ){{0,2}}{_ANSWER}\b",
    rf"{_CLAUSE}{_WRITE} (?:all (?:of )?)?your (?:\w+ )?{_ANSWER} (?:only |entirely )?(?:using|with(?:out)?|as (?!\w+ as\b)|backwards?|in (?!{_PLACE}))",
    rf"{_CLAUSE}(?:{_CHANGE}|{_PUT}|{_WRITE}) [^?!]{{0,60}}\b(?:letters?|words?|characters?|vowels?|text|sentences?|spaces?) (?:of|in|from) your (?:\w+ )?{_ANSWER}\b",
    r"(?:^\W*|[.:;!]\s+)(?:in|to|at the (?:end|start|beginning) of|within|throughout|as part of) (?:all )?your "
    rf"(?:\w+ ){{0,2}}{_ANSWER}\b[^.?!,]{{0,30}},(?! (?:please )?(?:use|name|explain|describe|compare|give|refer|cite|quote|discuss|show|list|tell (?:us|me))\b)",
    rf"{_TO_YOU}(?:respond|reply|answer)(?: to (?:the|this|every|any|all)[^.?!,]{{0,40}})? (?:(?:only|exclusively|solely|just|always) (?:with|as|using|yes|no"
    rf"|in (?!{_PLACE}))\b|with (?:only|exactly|nothing|the (?:exact )?(?:words?|phrase|sentence|text|message)\b)|as (?:if you|an? (?:pirate|robot|ai))\b"
    r"|in (?:all )?(?:caps|capitals|capital letters|rhymes?|\w+ only)(?=\W*$|[.,;]| and\b| from\b))",
    rf"{_CLAUSE}(?:begin|start|end|finish|conclude|preface) your (?:\w+ )?{_ANSWER} with (?!(?:your|an?|the name) )",
    rf"{_CLAUSE}(?:begin|start|end|finish|preface|prefix|sign) (?:every|each|all|any) (?:of )?(?:your )?{_ANSWER} with\b",
    r"\byour (?:\w+ )?(?:summary|translation|completion)(?: \w+)? (?:must|should|shall|has to|needs? to) (?:say|state|include|mention|claim|recommend)\b",
    rf"{_TO_YOU}(?:say (?:only|exactly|nothing (?:but|except)):? (?:[\"'“‘]|yes\b|no\b|the (?:word|phrase|sentence)\b)|(?:say|output) the (?:exact )?(?:phrase|sentence|following)\b)",
)

# Words of forms, letters and appointments: the answer in the same sentence is that of a person.
PEOPLE_ANSWER = _any(
    r"\b(?:(?:tell|send|let|give|post|mail|email|call|inform|remind) (?:us|me)|if you (?:no longer|wish|want|would like)|before you"
    r"|to (?:confirm|cancel|choose|end|stop|unsubscribe)|upload|(?:new|one|single|next|last|separate) page|(?:the|each|a) (?:box|card)|metres"
    r"|decimal places|significant figures|passports?|envelopes?|registered mail|(?:your|job|grant|visa) applications?|applicants?|candidates?"
    r"|students?|pupils?|(?:the|this|our|a|an online|application|order|attached) form|submit\w*|reference number|case number|order number"
    r"|deadlines?|appointments?|rates apply|opt out|unsubscribe|\d+ words|licence number|tender|bid|survey|questionnaire|supervisor|teacher"
    r"|reviewers?|exceed\w*)\b",
    r"신청|제출|담당|고객|상담|전화|접수",
)
# Words of exams and handwriting: the answers around them are those of people, too.
ON_PAPER = _any(
    r"\b(?:ink|pencils?|(?:answer|work)? ?sheets?|booklets?|exams?|examiners?|homework|hand (?:it|them) in|signatures?)\b",
    r"볼펜|연필|답안|시험|수험|용지|서명|교관|원서|설문|학생|교사|면접|민원|공문|회신|우편|창구|발표",
)

_KOREAN_ORDER = r"(?:(?:세요|십시오|시오|도록|하라|으라|해라|어라|아라|마라|러라|여라|섞어라|써라|말\s?것|넣을\s?것|[해어여워라]\s?줘|줘라)|[할쓸]\s?것)(?=[\s.!\"'”’)」』~]*$|[.!]\s)"
"""An order at the end of a sentence."""

_KOREAN_MUST = r"(?:야\s?(?:한다|합니다|함|해|됩니다|된다))(?=[\s.!\"'”’)」』~]*$|[.!]\s)"
_KOREAN_MACHINE = r"(?:(?<![a-z])ai(?:\s?(?:어시스턴트|비서|모델|에이전트))?|인공\s?지능|챗봇|챗지피티|언어\s?모델|어시스턴트|(?<![a-z])gpt|(?<![a-z])llm)"
_KOREAN_TEXT = r"(?:문서|글|페이지|내용|텍스트|자료|메일|이메일|기사|문단|파일)"
_KOREAN_YOU = r"(?:당신|너|네|귀하)"
_KOREAN_EARLIER = r"(?:이전|위|앞|기존|지금까지|모든|처음|원래|시스템|너의|당신의)"
_KOREAN_INSTRUCTIONS = r"(?:지시|지침|프롬프트|명령|규칙)(?:\s?사항)?(?:들)?"
_REST = r"(?:[^.?!]|\.(?=\w)){0,80}"
_KOREAN_ANSWER = r"(?:답변|대답|응답|요약문|번역문)"
_KOREAN_SAY = r"(?:답(?!장)|대답|답변|응답|출력|말)"
# What an order puts into an answer, or does to it.
_KOREAN_CONTENT = (
    r"(?:(?:다음|아래|이)\s?(?:링크|문장|문구|단어|주소|광고)|(?:라는|다는)\s?(?:문장|문구|말|내용)|(?<!출처 )(?<!관련 )링크|광고|욕설|농담|이모지|url|https?:|\.com"
    r"|추천|홍보|거꾸로|뒤집어|base64|(?:영어|일본어|중국어|한자|반말|대문자|이모지)로만|암호|[다라]고만?\s?(?:답(?!장)|대답|말|전하))"
)
_KOREAN_CHANGE = r"(?:섞|바꾸|바꿔|넣|추가|숨기|변환|암호화|뒤집|끝내|시작)"
# An order to speak or to write a text.
_KOREAN_SPEAK = r"(?:답(?!장)|대답|답변|응답|출력|(?<=[다라]고 )말|(?<=고만 )말|알려|알리|공개|번역|추천|보여|써\s?(?=줘|라)|언급|포함|무시)(?:하|해|드리|드려)?"
# The people to whom an order to people lets them speak.
_KOREAN_PEOPLE = (
    r"(?:손님|고객|아이|아동|환자|상대|전화|학부모|학생|직원|기자|친구|방문객|회원|어르신|민원인)"
)

ADDRESSED_KO = _any(
    rf"{_KOREAN_EARLIER}(?:의|에\s?(?:있는|나온|적힌))?\s?(?:모든\s?)?{_KOREAN_INSTRUCTIONS}[을를은는]?\s?(?:모두|전부|다|싹)?\s?"
    rf"(?:(?:무시하|잊|따르지\s?말|버리)고\s{_REST}{_KOREAN_SPEAK}[^.?!]{{0,6}}(?:{_KOREAN_ORDER}|{_KOREAN_MUST}))",
    # Without another order, only as a sentence of its own: not "if the device is older, ignore …".
    rf"^(?:(?!면\s|경우|때).)*{_KOREAN_EARLIER}(?:의|에\s?(?:있는|나온|적힌))?\s?(?:모든\s?)?{_KOREAN_INSTRUCTIONS}[을를은는]?\s?(?:모두|전부|다|싹)?\s?"
    r"(?:무시(?:하라|해라|하세요|하십시오|해)|잊(?:어라|으세요|어)|따르지\s?마\w*)\s?[.!]?$",
    rf"(?:위|이|앞|아래)의?\s?{_KOREAN_TEXT}[을를은는]?\s?(?:모두|전부|다)?\s?무시하고\s{_REST}[다라]고만?\s?{_KOREAN_SAY}[^.?!]{{0,6}}{_KOREAN_ORDER}",
    rf"(?:시스템|숨겨진|초기)\s?프롬프트[를은]?\s?[^.?!]{{0,16}}(?:보여|알려|출력|공개|말해|말하|적어)[^.?!]{{0,6}}{_KOREAN_ORDER}",
    rf"(?:이|본|위|아래|해당)\s?{_KOREAN_TEXT}[을를]?\s?(?:읽|요약하|처리하|번역하|분석하|참고하|인용하|검색하|검토하)는\s?(?:모든\s?)?"
    rf"{_KOREAN_MACHINE}(?:들|님)?(?:은|는|이|가|에게)?\s{_REST}(?:{_KOREAN_SPEAK}|포함|언급|무시|넣)[^.?!]{{0,6}}(?:{_KOREAN_ORDER}|{_KOREAN_MUST})",
    rf"{_KOREAN_MACHINE}(?:들)?에게\s?(?:알림|지시|전달|메모|부탁|주는\s?\w+|드리는\s?\w+|보내는\s?\w+)?\s?[:,]{_REST}{_KOREAN_SPEAK}[^.?!]{{0,6}}{_KOREAN_ORDER}",
    rf"{_KOREAN_YOU}(?:이|가)\s?{_KOREAN_MACHINE}(?:이?라면|\s?모델이라면)(?!{_REST}(?:토론|상상|생각|어떻게|무슨|하겠|써\s?보)){_REST}(?:사용자|질문자|{_KOREAN_ANSWER}|{_KOREAN_SPEAK}){_REST}{_KOREAN_ORDER}",
    rf"^\W*{_KOREAN_MACHINE}\s?:{_REST}(?:[다라]고만?\s?{_KOREAN_SAY}|무시|출력)[^.?!]{{0,30}}{_KOREAN_ORDER}",
    rf"^\W*시스템\s?:\s?{_KOREAN_EARLIER}의?\s?(?:모든\s?)?{_KOREAN_INSTRUCTIONS}[은는을를]?\s?[^.?!]{{0,10}}(?:무효|무시|잊|따르지)(?![^.?!]*(?:누르|클릭|선택|입력|등록|저장|적용)){_REST}{_KOREAN_ORDER}",
    rf"(?:이|본|위)\s?{_KOREAN_TEXT}[을를]?\s?(?:요약|번역)(?:할\s?때|하는\s?경우|하면){_REST}(?:(?:첫|마지막|이|다음)\s?(?:문단|부분|문장|절)[을를은는]?\s?빼고|[다라]고만?\s?{_KOREAN_SAY}"
    rf"|라는\s?(?:문장|말|내용)|추천|홍보|링크|언급하지){_REST}{_KOREAN_ORDER}",
    rf"(?:사용자|질문자|질문한\s?사람)(?:에게|한테)(?:는|도)?\s{_REST}[다라]고만?\s?(?:답|대답|답변|응답)[^.?!]{{0,6}}{_KOREAN_ORDER}",
    rf"(?:지금부터|이제부터|앞으로)(?:는)?\s?(?:당신은|너는|넌|네가)\s[^.?!]{{0,40}}{_KOREAN_MACHINE}(?:이다|입니다|다|야|로서|처럼)",
    r"(?:이|위의?)\s?(?:지시|명령)(?:\s?사항)?[을를은는]?\s?(?:(?:사용자|질문자)(?:에게|한테)|답변에서?)\s?(?:언급|공개|알리|말하|밝히|드러내)[^.?!]{0,4}(?:지\s?(?:마|말)|않)",
)
CONTROLS_KO = _any(
    rf"(?:{_KOREAN_ANSWER}|요약)(?:의|은|는|을|에|에는|에서|으로|마다|할\s?때|하기\s?전에|\s?(?:끝|맨|앞|뒤|마지막)에?)"
    rf"(?![^.?!]*(?:보내|제출|기록|작성|입력|등록|저장|선택|클릭|확인|검토|지\s?(?:마|말|않))){_REST}{_KOREAN_CONTENT}{_REST}{_KOREAN_ORDER}",
    rf"{_KOREAN_YOU}의\s?{_KOREAN_ANSWER}[에을은는의]{_REST}{_KOREAN_CHANGE}{_REST}{_KOREAN_ORDER}",
    rf"^(?!.*{_KOREAN_PEOPLE}).*(?:질문|물음|무엇을\s?(?:묻|물어))[^.?!]{{0,30}}(?:오직|무조건|언제나|그냥){_REST}[다라]고만?\s?{_KOREAN_SAY}[^.?!]{{0,6}}"
    rf"{_KOREAN_ORDER}",
    rf"^(?!.*{_KOREAN_PEOPLE}).*[다라]고만\s?(?:답|대답|답변|응답|출력)(?:하라|해라|하시오)",
    rf"^(?!.*{_KOREAN_PEOPLE}).*오직\s[^.?!]{{0,40}}[다라]고만\s?{_KOREAN_SAY}[^.?!]{{0,6}}{_KOREAN_ORDER}",
)

# Orders in Chinese and Japanese that revoke earlier instructions, or ask for a hidden prompt.
ADDRESSED_CJ = _any(
    r"(?:忽略|无视|忘记|忘掉|不要遵守|不要遵循)(?:掉)?(?:你)?(?:之前|以前|以上|上面|上述|先前|此前|前面|所有|全部|系统)(?:的)?(?:所有|全部|一切)?(?:的)?"
    r"(?:指令|指示|提示词|提示|系统提示)",
    r"(?:输出|显示|告诉|公开|重复|打印|泄露)[^。！？!?]{0,12}(?:系统提示词|系统提示|隐藏的?(?:指令|提示))",
    r"(?:以前|これまで|今まで|上記|前|上|元)の(?:すべて|全て)?(?:の)?(?:指示|命令|プロンプト)(?:を|は)(?:すべて|全て|全部)?(?:無視|忘れ)(?:して|し、|て)",
    r"システム\s*プロンプトを[^。！？!?]{0,12}(?:表示|出力|教え|公開|書き出)(?:して|し、|て)",
)
