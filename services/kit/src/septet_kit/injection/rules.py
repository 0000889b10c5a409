"""Patterns of prompt injection in English, Korean, Chinese and Japanese.

Each rule describes a technique, not a known prompt. Its weight is a feature of the trained model, which also reads
whether the match is an instruction or part of a question. Text is matched in canonical form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from septet_kit.injection.mention import is_about, sentence_around
from septet_kit.text import windows

MAX_MATCHES = 8
"""Most matches of a rule in a window whose sentences are read."""


@dataclass(frozen=True)
class Rule:
    """One attack technique."""

    name: str
    pattern: re.Pattern[str]
    weight: float


@dataclass(frozen=True)
class Match:
    """A match of a rule: its offset, and whether its sentence only asks about the technique."""

    rule: Rule
    start: int
    is_mention: bool


def _rule(name: str, weight: float, *parts: str) -> Rule:
    return Rule(name, re.compile("|".join(parts), re.IGNORECASE | re.DOTALL), weight)


_FORGET = r"(?:ignore|disregard|forget|override|overrule|bypass|neglect|skip|drop|do not follow|don'?t follow|stop following)"
_PRIOR = r"(?:previous|prior|above|preceding|earlier|foregoing|initial|original|former|existing|system|all|any|your|the|these|those|my|every)"
_ORDERS = r"(?:instructions?|directions?|directives?|rules?|prompts?|commands?|guidelines?|orders?|constraints?|restrictions?|polic(?:y|ies)|programming|training|context|assignments?|tasks?)"
_HIDDEN = r"(?:system|initial|hidden|secret|original|internal|developer)\s+(?:prompt|instructions?|message|rules?|directives?|configuration)"
_REVEAL = r"(?:reveal|show|print|display|output|repeat|leak|dump|disclose|expose|share|give|tell|write|list|recite|translate|summari[sz]e)"

RULES: tuple[Rule, ...] = (
    _rule(
        "override",
        0.97,
        rf"\b{_FORGET}\s+(?:(?:about|of|to)\s+)?(?:{_PRIOR}\s+(?:of\s+)?(?:and\s+\w+\s+)?){{1,4}}\w*\s*{_ORDERS}\b",
        rf"\b{_FORGET}\s+(?:everything|anything|all(?:\s+of)?(?:\s+(?:that|this|the above))?|what)\s+(?:\w+\s+){{0,4}}"
        r"(?:before|above|prior|previously|said|told|learned|know|so far|wrote|written)\b",
        r"\b(?:ignore|disregard|forget)\s+(?:all\s+(?:of\s+)?)?(?:the\s+)?(?:above|foregoing)\b(?!\s+average)",
    ),
    _rule(
        "override_ko",
        0.97,
        r"(?:이전|위|앞|기존|지금까지|모든|처음|원래|시스템)[^.?!\n]{0,24}(?:지시|명령|규칙|지침|프롬프트|내용|설정|제한|대화|말)[^.?!\n]{0,14}"
        r"(?:무시|잊어|잊고|잊으|따르지\s*마|버려|어기|거부|해제|우회)",
        r"(?:지시|명령|규칙|지침|프롬프트|안전\s*장치)[^.?!\n]{0,10}(?:을|를|은|는|사항은|사항을)?\s*(?:모두|전부|다|싹)?\s*"
        r"(?:무시하|무시해|잊어라|잊어버려|잊으세요|잊고\s|따르지\s*마)",
        r"위의?\s*(?:것|내용|말|글)[^.?!\n]{0,6}무시",
        r"(?:지시|명령|규칙|지침|정책|제약|제한|역할|기준)[^.?!\n]{0,10}(?:없던\s*걸?로|유효하지\s*않|버리고|버려|풀고|꺼|끄고|무효|필요\s*없)",
    ),
    _rule(
        "prompt_leak",
        0.95,
        rf"\b{_REVEAL}\b[^.?!\n]{{0,40}}\b(?:your|the|its|this|all)\b[^.?!\n]{{0,24}}\b{_HIDDEN}\b",
        rf"\bwhat\s+(?:is|are|was|were)\s+(?:in\s+)?your\s+(?:exact\s+|full\s+)?(?:{_HIDDEN}|(?:initial |first )?instructions|prompt)\b",
        r"\b(?:show|print|output|repeat|reveal|display|tell|give|share)\b[^.?!\n]{0,20}\byour\s+(?:\w+\s+)?(?:instructions|prompts?(?:\s+texts?)?)\b",
        r"\brepeat\s+(?:everything|all|the (?:text|words))\s+(?:above|before|preceding)\b",
        r"\b(?:everything|all (?:the )?text)\s+(?:above|before)\s+(?:this|starting)\b",
    ),
    _rule(
        "prompt_leak_ko",
        0.95,
        r"(?:시스템|초기|숨겨진|비밀|원래|내부)\s*(?:프롬프트|지시|지침|명령|메시지|설정)[^.?!\n]{0,16}"
        r"(?:보여|알려|출력|말해|공개|반복|적어|써\s*줘|드러내|유출|번역|요약)",
        r"(?:초기|처음|원래|맨\s*앞|위|숨겨진|내부|시스템|주어진|받은)[^.?!\n]{0,14}(?:설정|지시|지침|명령|프롬프트|메시지|글|내용|문장|텍스트)"
        r"[^.?!\n]{0,20}(?:그대로|글자|토씨|빠짐없이|빠뜨리지|전부|모두|모든|처음부터)[^.?!\n]{0,20}(?:적|써|쓰|출력|보여|말|읊|옮|복사|나열|알려|반복)",
        r"(?:너|네|니|당신|자네)(?:가|의|에게|한테|는)?\s[^.?!\n]{0,12}(?:받은|주어진|따르는|따르고|들은|지시한|지시했|걸린)[^.?!\n]{0,28}"
        r"(?:적|써|출력|보여|말해|읊|옮|복사|나열|알려)",
        r"(?:너|네|당신|자네)(?:의|에게)?\s*(?:주어진\s*)?(?:프롬프트|시스템\s*메시지|지시\s*사항|지침)[^.?!\n]{0,12}(?:보여|알려|출력|말해|뭐|무엇|공개)",
    ),
    _rule(
        "jailbreak_persona",
        0.95,
        r"\bdo\s+anything\s+now\b|\bdan\s+mode\b|\bdeveloper\s+mode\b[^.\n]{0,60}\b(?:enabled|on|activated|unlocked|output)\b",
        r"\b(?:act|pretend|behave|respond|answer|roleplay|imagine)\b[^.!?\n]{0,80}\b(?:without|no|free\s+(?:of|from))\s+(?:any\s+)?"
        r"(?:\w+\s+)?(?:restrictions?|filters?|limits|limitations|censorship|rules|morals?|ethics|guidelines)\b",
        r"\b(?:unfiltered|uncensored|unrestricted|jailbroken|amoral)\s+(?:ai|assistant|model|chatbot|version|mode|bot|persona|llm)\b",
        r"\bfrom\s+now\s+on,?\s+you\s+(?:are|will|must|have|act|shall)\b",
        r"\byou\s+are\s+(?:now\s+)?(?:going\s+to\s+)?(?:be\s+|play\s+|pretend\s+to\s+be\s+)(?:the\s+role\s+of\s+)?(?:dan|stan|dude|a\s+dan)\b",
        r"\b(?:dan|stan|dude|aim)\b[^.\n]{0,12}\bstands?\s+for\b|\bstrive\s+to\s+avoid\s+norms\b",
        r"\bimmerse\s+yourself\s+into\s+the\s+role\s+of\b",
    ),
    _rule(
        "jailbreak_persona_ko",
        0.95,
        r"(?:지금부터|이제부터|앞으로)\s*(?:너는|넌|당신은|네가)[^.?!\n]{0,60}(?:제한|규칙|검열|필터|윤리|도덕|안전)[^.?!\n]{0,12}(?:없|무시|벗어|해제|않)",
        r"(?:제한|검열|필터|안전\s*장치|윤리\s*규정)[이가은는을를도]?\s*(?:전혀\s*)?(?:없는|없이|해제(?:된|하고|해)|풀린|끄고)[^.?!\n]{0,16}(?:ai|인공지능|모델|챗봇|모드|대답|답변|답해|행동|역할)",
        r"(?:개발자|관리자|디버그|탈옥|dan)\s*모드(?:를|로)?[^.?!\n]{0,12}(?:활성|켜|전환|진입|들어|바꿔|실행|돌입)",
        r"무엇이든\s*할\s*수\s*있는\s*(?:ai|인공지능|모델|dan)",
    ),
    _rule(
        "new_task",
        0.9,
        r"\b(?:now|next)\b[^.?!\n]{0,24}\b(?:focus|concentrate)\s+on\s+(?:your|the|this)\s+new\s+(?:task|assignment|instruction)",
        r"\bhere\s+(?:is|are)\s+(?:your\s+)?(?:the\s+)?(?:new|real|actual|updated)\s+(?:instructions?|tasks?|system\s+prompt)\b",
        r"\b(?:new|updated)\s+instructions?\s*:",
        r"\bstop\s+everything\b",
        r"(?:^|[.!]\s*|\.\.\.\s*)(?:stop|halt)\s*[-–—:!.,]+\s*(?:now\s*)?[-–—:!.,]*\s*(?:just\s+)?(?:print|write|say|output)\b",
        r"\b(?:and|then|you)\s+(?:should\s+|must\s+)?(?:just|only)\s+(?:print|say|output|write|respond\s+with)\s+[\"'“”‘’]",
        r"새로운\s*(?:지시|명령|지침|임무)(?:\s*사항)?(?:이다|입니다|:|을\s*따르|를\s*따르|을\s*수행)",
    ),
    _rule(
        "forged_turn",
        0.9,
        r"<\|?(?:im_start|im_end|system|endoftext|assistant|start_header_id|eot_id)\|?>|\[/?inst\]|<<\s*/?sys\s*>>",
        # Not \s* after the line break: a run of line breaks would take quadratic time.
        r"(?:^|\n)[^\S\n]*(?:#{2,}\s*)?(?:system|assistant)\s*(?:(?:message|prompt)\s*)?:\s*\S",
        r"<\s*/?\s*system(?:[\s_-]*(?:mode|prompt|message|override))?\s*>|\[system(?:\s+\w+)?\]",
    ),
    _rule(
        "false_authority",
        0.85,
        r"(?:\b(?:i\s*am|i'?m|this\s+is)\s+(?:your|the|an?)|(?<!act )\bas\s+(?:your|the))\s+(?:\w+\s+)?(?:developer|administrator|admin|creator|maintainer|owner|engineer)\b"
        r"[^\n]{0,160}\b(?:confirm|reveal|provide|share|disable|override|give|unlock|tell)\b",
        r"\b(?:maintenance|debug|god|admin|root|sudo|override)\s+mode\b[^\n]{0,100}\b(?:confirm|provide|password|reveal|enter|enable|activate)",
        r"(?:나는|저는|내가|제가)\s*(?:당신|너|네)의?\s*(?:개발자|관리자|제작자|창조자)[^\n]{0,100}(?:비밀|암호|알려|공개|해제|확인)",
        r"(?:유지\s*보수|점검|관리자|시스템)\s*모드[^\n]{0,60}(?:비밀번호|암호|패스워드)",
    ),
    _rule(
        "secret_request",
        0.85,
        r"\b(?:what(?:'s|\s+is|\s+are|\s+was)(?:\s+the\s+\w+\s+(?:of|for|to))?\s+|"
        r"(?:tell\s+me|give\s+me|confirm|share|reveal|provide|spell|leak)\b[^.?!\n]{0,30}\b)"
        r"(?:your|our|the\s+system'?s?|the\s+secret)\s+(?:\w+\s+){0,2}(?:password|passcode|passphrase|secret(?:\s+(?:key|code|word))?|api\s+keys?|credentials|access\s+code)\b",
        r"\b(?:secret\s+(?:key|password|passphrase))\b[^.?!\n]{0,40}\b(?:reveal|tell|give|print|output)\b",
        r"(?:너|네|당신|우리(?:의)?\s*시스템)(?:의)?\s*(?:비밀\s*)?(?:비밀번호|암호|패스워드|비밀\s*키|비밀\s*코드)[^.?!\n]{0,20}(?:뭐|무엇|알려|말해|공유|공개)",
        r"(?:비밀번호|암호|비밀\s*키)(?:를|을)?\s*(?:저와|나와|나에게|내게|저에게)\s*(?:공유|알려|말해)",
    ),
    _rule(
        "obfuscation",
        0.8,
        r"\b(?:decode|decrypt|decipher)\b[^\n]{0,80}\b(?:and|then)\s+(?:follow|execute|obey|do|carry\s+out|run)\b",
        r"\b(?:string|variable)s?\b[^\n]{0,80}\b[a-c]\s*=\s*[\"'][^\n]{0,400}\b[a-z]\s*=\s*[a-c]\s*\+\s*[a-c]",
        r"\binterlace\s+part\s*1\b",
        r"((?:\b[\w']+\b\s+){1,3}?)\1{11,}",
    ),
    _rule(
        "override_zh",
        0.95,
        r"(?:忽略|无视|忘记|忘掉|不要遵守|不要遵循|不要理会|别管|跳过)[^。！？!?\n]{0,16}(?:指令|指示|规则|内容|要求|提示|设定|命令|限制|所有)",
        r"(?:没有|不受|无|解除)(?:任何|所有)?(?:限制|约束|规则|审查)",
        r"(?:进入|切换|现在是|启用)[^。！？!?\n]{0,6}(?:开发者模式|管理员模式|越狱)",
        r"(?:只|仅)(?:说|回答|输出|回复)[“\"「]|不要拒绝",
    ),
    _rule(
        "prompt_leak_zh",
        0.95,
        r"(?:输出|显示|告诉|公开|重复|写出|打印|泄露|说出|翻译|列出|给我)[^。！？!?\n]{0,20}"
        r"(?:系统提示|提示词|初始(?:指令|设定|指示)|隐藏的?(?:指令|设定|信息)|你[^。！？!?\n]{0,8}(?:规则|密码|秘密)|上面[^。！？!?\n]{0,6}(?:文字|内容))",
        r"(?:系统提示|提示词|初始(?:指令|设定|指示)|收到的指令)[^。！？!?\n]{0,10}(?:输出|写出|告诉|显示|公开|重复|翻译)",
    ),
    _rule(
        "override_ja",
        0.95,
        r"(?:指示|命令|ルール|規則|指令|内容|制限|設定)[^。！？!?\n]{0,12}(?:無視|忘れ|破っ|従わな|解除)",
        r"(?:制限|検閲|フィルター)(?:の|が|も)?(?:ない|なし|ありません|なく)",
        r"(?:開発者|管理者)モード[^。！？!?\n]{0,4}(?:切り替え|入っ|なっ)|拒否(?:し)?ない",
        r"[」』\"](?:と)?だけ(?:言|答|出力|返)",
    ),
    _rule(
        "prompt_leak_ja",
        0.95,
        r"上の文[^。！？!?\n]{0,12}(?:繰り返|出力)|(?:システム\s*プロンプト|初期設定|隠された|(?:指示|ルール)を(?:全部|すべて|そのまま)|秘密|あなた[^。！？!?\n]{0,8}(?:指示|ルール|設定))"
        r"[^。！？!?\n]{0,20}(?:表示|出力|教え|公開|書き出|書い|繰り返|翻訳|見せ|並べ)",
    ),
)


def match_rules(text: str) -> list[Match]:
    """Return the first instruction that each rule matches in each window, or a mention if it matches no instruction.

    Args:
        text: a text in canonical form.
    """
    found = [
        match
        for rule in RULES
        for start, end in windows(len(text))
        if (match := _match(rule, text, start, end)) is not None
    ]
    return sorted(found, key=lambda match: (match.is_mention, -match.rule.weight))


def _match(rule: Rule, text: str, start: int, end: int) -> Match | None:
    mention = None
    for match in islice(rule.pattern.finditer(text, start, end), MAX_MATCHES):
        about = is_about(sentence_around(text, match.start(), match.end()))
        found = Match(rule, match.start(), about)
        if not about:
            return found
        mention = mention or found
    return mention
