"""Recognition of greetings, thanks, farewells and questions about the assistant itself, in English and Korean.

A message is small talk only if nothing else is in it: the phrases below must cover all of its words. "Hello world in
Python?" leaves words over, so it is a question. Code, quotations and digits are never small talk.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Kind = Literal["greeting", "thanks", "farewell", "ability"]

MAX_CHARACTERS = 120
"""Longer messages are not read."""

_EMOTICONS = re.compile(r"[:;]-?[)(dp]|<3|\^\^+|\^_+\^", re.IGNORECASE)
_ALLOWED_MARKS = frozenset(".,!?~'’…-·:;！？。，ㆍ")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_REPEATED = re.compile(r"(.)\1{2,}")

_YOU = r"(?: (?:me|us))?"
_ENGLISH = {
    "ability": (
        r"(?:so |and )?what(?: else)?(?: exactly)? (?:can|could|do) you(?: actually| exactly)?"
        r"(?: do| help| assist| answer| offer)" + _YOU + r"(?: with)?(?: for (?:me|us))?(?: exactly| here)?",
        r"(?:so |and )?what(?: all| else)?(?: (?:kinds?|sorts?|types?|categories) of)?"
        r"(?: stuff| things?| subjects?| topics?| questions?| info(?:rmation)?)?"
        r"(?: (?:can|may|could|am) (?:i|we)(?: allowed to)? ask(?: you| the (?:ai|bot|assistant))?(?: about)?"
        r"| (?:can|do|could) you (?:answer(?: questions (?:on|about))?|know(?: about)?|help"
        + _YOU
        + r" with)"
        r"| are you (?:able to (?:do|answer)|capable of(?: doing| answering)?|good at(?: answering)?|familiar with|for))"
        r"(?: exactly| here)?",
        r"(?:so |and )?which (?:(?:kinds?|sorts?|types?) of )?(?:questions|topics|subjects)"
        r" (?:can i ask(?: you)?|can you answer|do you (?:cover|know))",
        r"what are your (?:capabilities|abilities|skills|areas of expertise)",
        r"how (?:can|could|may|do) you (?:help|assist)" + _YOU + r"(?: here)?",
        r"(?:can|could|would|will) you (?:please )?(?:help|assist)"
        + _YOU
        + r"(?: with anything)?(?: please)?",
        r"help(?: me)?(?: please)?",
        r"(?:please )?(?:can you )?(?:tell|show) me (?:what|how) you (?:can (?:do|help(?: me)?(?: with)?)|are(?: capable of)?)",
        r"(?:tell me (?:more )?(?:about|something about) yourself|(?:please )?introduce yourself)",
        r"(?:who|what)(?: exactly)? are you(?: exactly)?",
        r"are you (?:an? |really an? )?(?:real )?(?:bot|chatbot|robot|human|person|machine|computer|ai|human being)",
        r"am i (?:talking|speaking|chatting) (?:to|with) an? (?:real )?(?:bot|chatbot|robot|human|person|machine|computer|ai)",
        r"(?:(?:can|could|would) you |please )?(?:what is|what's|whats|tell me) your name",
        r"do you have a name",
        r"can i ask(?: you)?(?: (?:about )?(?:something|anything|a question))?",
        r"how do you work",
    ),
    "thanks": (
        r"(?:(?:i )?(?:just )?(?:want(?:ed)? to|wanna) (?:say|tell you) )?(?:many |much |big |i )?"
        r"(?:thanks|thank (?:you|u|ya)|thankyou|thx|tysm|ty|tyvm)(?: you)?"
        r"(?: (?:so much|very much|a lot|a bunch|a million|a ton|lots|again|kindly|in advance|ever so much))*"
        r"(?: for (?:your|the|all (?:your|the)|all of your|this|that|helping|answering|everything|letting me know)"
        r"(?: (?:quick|great|kind|good|fast|useful|helpful))?"
        r"(?: (?:help|answers?|assistance|time|info|information|support|reply|response|explanation|advice|effort|work))?"
        r"(?: (?:me|us)(?: out)?)?|chatting(?: with (?:me|us))?|the chat)?",
        r"(?:i )?(?:really |greatly |much |very much |do )*appreciate(?:d)?(?: (?:it|that|you|this|all))?"
        r"(?: (?:the|your|all your) (?:help|answers?|assistance|time|info|information))?(?: (?:a lot|very much|so much))?",
        r"(?:your|the) (?:help|answer|assistance) (?:is|was)(?: (?:very|much|really|greatly))? appreciated",
        r"(?:i am|i'm|im) (?:so |very |really )?(?:grateful|thankful)"
        r"(?: (?:for|to) (?:you|(?:your|the|all your) (?:help|answers?|assistance|time)))?",
        r"much obliged|cheers|kudos",
        r"(?:that|this|it|you) (?:was|were|is|are|has been|have been)(?: (?:so|very|really|super|extremely|most))? (?:helpful|kind)",
        r"(?:that|this) (?:really )?(?:helps|helped)(?: (?:a lot|me|a ton))*",
    ),
    "farewell": (
        r"(?:good ?bye(?: now)?|bye(?: bye| now)?|farewell|so long|cya|ciao|adios|later|laters|ttyl)",
        r"(?:(?:i'll |i will )?(?:see|talk to|speak to|catch) (?:you|ya|u)|talk)"
        r"(?: (?:later|soon|around|then|tomorrow|again|next time))+(?: on)?",
        r"see (?:you|ya)",
        r"good ?night|have (?:a|yourself a) (?:good|great|nice|lovely|wonderful|pleasant) "
        r"(?:one|day|night|evening|afternoon|weekend|week)|take care",
        r"(?:it was |it's been |it is |i had )?(?:so |really |very |a )?(?:nice|good|great|lovely|pleasant|fun|pleasure)"
        r" (?:to )?(?:talk(?:ing)?|chat(?:ting)?|speak(?:ing)?)(?: (?:to|with) you)?(?: again)?",
        r"i (?:have to|must|need to|gotta|got to) (?:go|leave|run|say goodbye)(?: now)?",
    ),
    "greeting": (
        r"(?:hi|hello|helo|hey|heya|hiya|hullo|yo|howdy|aloha|greetings|g'?day|salutations)",
        r"good (?:morning|afternoon|evening|day)|morning|evening|afternoon",
        r"(?:(?:just )?(?:wanted|want) to say (?:hi|hello|hey)|(?:just )?saying (?:hi|hello))",
        r"(?:it's |it is )?(?:nice|good|great|pleased|glad|happy) to (?:meet|see) (?:you|ya)(?: again| too)?",
        r"(?:so )?(?:how|hows|how's)(?: (?:are|is))? (?:you|ya|u|it|things|everything|life|your day|the day)"
        r"(?: (?:doing|going|been|hanging|feeling|today|with you|so far|this morning|these days))*",
        r"(?:are you|you|have you been) (?:doing )?(?:okay|ok|well|good|alright)(?: today)?",
        r"how (?:have you been|do you do|goes it)(?: doing)?",
        r"(?:what's|whats|what is) up|wassup|sup",
        r"(?:is )?(?:anyone|anybody|someone|somebody) (?:there|here|home)|are you there|you there",
    ),
    "filler": (
        r"(?:ok|okay|alright|right|great|perfect|awesome|cool|nice|good|excellent|wonderful|amazing|fantastic|brilliant"
        r"|super|lovely|well|oh|ah|wow|so|and|then|yes|yeah|yep|please|again|there|everyone|everybody|all|team|guys"
        r"|folks|friend|my friend|buddy|pal|mate|dear|sir|madam|bot|chatbot|robot|assistant|ai|computer|septet|today"
        r"|got it|i see|understood|makes sense|good job|great job|well done|great answer|good answer|really|very much"
        r"|indeed|anyway|for now|that's all|that is all|thats all|to you|you too|same to you)",
    ),
}
_KOREAN = {
    "ability": (
        r"(?:그럼|그러면)?(?:여기서|여기에서|여기선)?(?:너는|넌|너|네가|니가|당신은|당신|챗봇은|이봇은|이챗봇은)?(?:나를|저를|절|날)?"
        r"(?:뭘|뭐를|뭐|무엇을|무슨일을|어떤일을|어떤것을|어떤걸|어떻게(?=도와|해줄)|무엇)(?:들을)?(?:해줄|도와줄|도와주실|도와드릴|할|하실|답할|답변할)"
        r"수(?:가)?있(?:는지(?:알려(?:줘|주세요))?|어요|어|니|나요|나|을까요|을까|습니까|죠|지요|지|는가요|는거야|는거예요|는데)",
        r"(?:너는|넌|당신은)?(?:뭘|뭐|무엇을)(?:하는|해주는)(?:챗봇|봇|서비스|거|것)?(?:이야|야|니|이에요|예요|인가요|입니까)",
        r"(?:(?:너는|넌|너|당신은|당신)?(?:누구|뭐하는애)|(?:너는|넌|너|당신은|당신)뭐)(?:야|니|세요|예요|에요|이세요|신가요|인가요|십니까|입니까)",
        r"(?:너의|네|니|너|당신의)?(?:이름|정체)(?:이|가)?(?:뭐|무엇)(?:야|니|예요|에요|인가요|입니까|이에요)",
        r"자기소개(?:를|좀)?(?:해줘요|해줘|해주세요|해봐|부탁해요|부탁해|부탁드려요|부탁드립니다)?|자신을소개해(?:줘|주세요|봐)",
        r"(?:너|당신)에대해(?:서)?(?:알려|말해)(?:줘|주세요)",
        r"(?:너는|넌|당신은)?(?:사람|로봇|봇|챗봇|인공지능|ai|기계)(?:이야|야|이니|니|이에요|예요|인가요|입니까)",
        r"(?:뭐|뭘|무엇을|무슨질문을|어떤질문을|어떤걸|어떤것을|무엇이든|아무거나)(?:물어볼|물어봐도|물어보면|질문할|질문하면|질문해도|할|하면)"
        r"(?:수있(?:어요|어|나요|니|습니까|을까요)|되(?:나요|는지|니|ㄹ까요)|돼요|돼|될까요|될까|됩니까)",
        r"(?:어떤|무슨)(?:질문|주제|내용|것|문서|분야)(?:에|을|를|에대해|에대해서)?(?:답변|답|대답|도움)?(?:을|를)?"
        r"(?:할수있|해줄수있|줄수있|알고있|다룰수있|다루)(?:어요|어|나요|니|습니까|을까요|는지알려줘)",
        r"(?:할수있는|가능한)(?:일|것|게|거|기능)(?:이|은|을|를)?(?:뭐|무엇|뭐가)?(?:야|니|예요|에요|인가요|있어|있어요|있나요|알려줘|알려주세요)",
        r"(?:나|저)?(?:를|좀)?도와(?:줄수있|주실수있)(?:어요|어|나요|니|을까요|습니까)|(?:나|저)?좀?도와(?:줘요|줘(?!서)|주세요)|도움말"
        r"|(?:어떤|무슨)도움을(?:줄|주실|받을)수있(?:어요|어|나요|니|습니까|을까요)|도움이필요(?:해요|해|합니다)",
        r"(?:질문|뭐좀|뭐하나|하나만)(?:을|좀)?(?:해도|물어봐도)(?:되나요|돼요|돼|될까요|되니|됩니까)",
    ),
    "thanks": (
        r"(?:(?:친절한|빠른|좋은|자세한|상세한)?(?:답변|설명|도움|안내|정보|답장)(?:을|를)?(?:주셔서|해주셔서|줘서|해줘서|에)?"
        r"|알려(?:주셔서|줘서)|도와(?:주셔서|줘서)|가르쳐(?:주셔서|줘서)|덕분에|대단히|정말로|정말|너무|진짜|매우|무척|아주|항상|늘|모두|다)*"
        r"(?:감사(?:합니다|해요|드려요|드립니다|했습니다|했어요|드렸습니다)|고마(?:워요|워|웠어요|웠습니다)|고맙(?:습니다|네요|다|네)"
        r"|땡큐|생큐|ㄱㅅ|thankyou|thanks)(?:요)?",
        r"(?:오늘도|정말)?수고(?:하셨습니다|하셨어요|하세요|했어요|했어|많으셨습니다|많으셨어요|많았어요)",
        r"(?:정말|많은|많이|큰|아주|매우)*(?:도움|힘)(?:이|도)?(?:많이|정말|크게)?(?:됐|되었|됬|됩)(?:습니다|어요|어|네요|니다)",
    ),
    "farewell": (
        r"안녕히(?:계세요|계십시오|가세요|가십시오|주무세요)|잘(?:가요|가|있어요|있어|자요|자|지내요|지내세요)",
        r"(?:그럼|나중에|다음에|내일|또)*(?:또)?(?:봐요|봐|뵐게요|뵙겠습니다|봬요|만나요|만나|올게요|올게)",
        r"바이바이|바이|빠이|굿바이|굿나잇|bye",
        r"좋은(?:하루|밤|저녁|주말|오후|시간)(?:되세요|보내세요|되십시오|보내십시오|보내|되길바랍니다|되시길바랍니다)",
        r"(?:이만|그만)?(?:가볼게요|가볼게|가보겠습니다|들어가볼게요)",
    ),
    "greeting": (
        r"안녕(?:하세요|하십니까|하신가요|하신지요|하셨어요|하세용|하십니까요|하세여)?",
        r"(?:만나서|만나뵙게되어|뵙게되어|정말|너무)*반갑(?:습니다|네요|다|네)|(?:만나서|정말|너무)*반가(?:워요|워|웠어요|웠습니다)",
        r"처음뵙겠습니다|오랜만(?:이에요|이야|입니다|이네요|이네)|잘부탁(?:드려요|드립니다|해요|해)",
        r"(?:하이|헬로우|헬로|할로|hi|hello|hey)(?:요)?",
        r"좋은(?:아침|저녁|오후|밤|하루)(?:입니다|이에요|이야|이네요)?|굿모닝",
        r"(?:그동안|요즘|오늘은)?(?:잘|어떻게)지내(?:셨어요|셨나요|셨습니까|세요|시나요|시죠|요|니|나요|고있어요|고있어|고있니|고계세요|고계신가요)",
        r"(?:오늘)?(?:기분|하루|컨디션)(?:이|은|는)?(?:어때요|어때|어떠세요|어떤가요|어떠신가요)",
        r"여보세요|(?:거기)?(?:누구|아무도)?(?:있어요|계세요|계신가요|있나요|없나요|없어요)",
    ),
    "filler": (
        r"네|넵|넹|예|응|웅|아하|아|오|와|우와|음|어|저기요|저기|혹시|그럼|그러면|여러분|모두|챗봇아|챗봇님|챗봇|봇|친구야|친구|선생님"
        r"|오늘도|오늘|다시|또|알겠습니다|알겠어요|알겠어|이해했습니다|이해했어요|이해했어|그렇군요|그렇구나|좋아요|좋네요|좋습니다|좋아"
        r"|완벽해요|완벽해|최고예요|최고에요|최고입니다|최고야|최고|훌륭해요|훌륭합니다|ok|오케이|요|님|[ㄱ-ㅎㅏ-ㅣ]+",
    ),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHARED = _words(
    """
    a again ai all am an and any are assistant at be been bot can could did do does everything exactly for hello hey hi i
    i'm in is it's just me my now of oh ok okay on or our please really so some that's the then there to today us very was
    we well will with would you your
    """
)
# Word orders that the phrases do not list: a message with the trigger is small talk if it has no other words than these.
_WORD_SETS: dict[Kind, tuple[re.Pattern[str], frozenset[str]]] = {
    "ability": (
        re.compile(
            r"(?!.*\b(?:did|was|been|should|how (?:do|can|may|could) (?:i|we)|(?:help|for) you|help me answer"
            r"|your (?:best|answers?|questions?)|the (?:answers?|questions?|info|information))\b)"
            r"(?=.*(?:\bask (?:you|the (?:ai|bot|assistant))\b|\byour? .*\b(?:expertise|abilities|capabilities)\b"
            r"|\byou\b.*\b(?:help|assist|capable|able|familiar|knowledgeable|topics|subjects|questions|areas|categories)\b"
            r"|\b(?:topics|subjects|questions|areas|categories|kinds?|sorts?|types?)\b.*\byou\b))"
            r"(?:.* )?(?:what|which|list|tell|show|give|explain|can|could|are|may)\b"
        ),
        _words(
            """
            abilities ability able about allowed answer answering answers anything area areas ask asking assist best
            capabilities capable cover else expertise familiar good help helping
            how info information kind kinds know knowledge knowledgeable let like may other permissible permitted
            question questions should skills sort sorts stuff subject subjects talk tell thing things topic topics
            type types understand what which
            """
        ),
    ),
    "thanks": (
        re.compile(r".*\b(?:thanks|thank (?:you|u)|thx|grateful|thankful|appreciated?|obliged|gratitude)\b"),
        _words(
            """
            advice amazing answer answering answers appreciate appreciated assistance awesome back being big clearing
            everyone explaining explanation friend getting good grateful gratitude great have heaps help helped helpful
            helping info information it job kind know letting lot lots many million much nice obliged patience perfect
            quick quickly reply response special support that thank thankful thanks this thx time ton truly u up useful
            wonderful work
            """
        ),
    ),
    "farewell": (
        re.compile(
            r".*\b(?:bye|goodbye|good (?:bye|night)|later|see (?:you|ya)|farewell|until next time|take care)\b"
        ),
        _words(
            """
            bye care catch chat chatting conversation day enjoyed evening farewell fun go going good goodbye great had have
            heading it later leave leaving lovely must need next nice night one out pleasant pleasure see soon speak
            speaking take talk talking thank thanks this time tomorrow until weekend wonderful ya
            """
        ),
    ),
}
_ORDER: tuple[Kind, ...] = ("ability", "thanks", "farewell", "greeting")


def _compile(table: dict[str, tuple[str, ...]], end: str) -> re.Pattern[str]:
    groups = (f"(?P<{kind}>(?:{'|'.join(table[kind])}){end})" for kind in (*_ORDER, "filler"))
    return re.compile("|".join(groups))


_PART_ENGLISH = _compile(_ENGLISH, r"(?: |$)")
_PART_KOREAN = _compile(_KOREAN, "")


def small_talk(text: str) -> Kind | None:
    """Return the kind of small talk that ``text`` consists of; None if it says or asks anything else.

    If it has several kinds, a question about the assistant counts before thanks, and a greeting last.
    """
    plain = _plain(text)
    if not plain:
        return None
    if _HANGUL.search(plain):
        kinds = _kinds(plain.replace(" ", ""), _PART_KOREAN)
    else:
        kinds = _kinds(plain, _PART_ENGLISH) or _kinds_by_words(plain, asks="?" in text)
    return next((kind for kind in _ORDER if kind in kinds), None)


def _kinds(plain: str, part: re.Pattern[str]) -> set[str]:
    """Return the kinds of the phrases that cover the text; none if they leave anything over."""
    found: set[str] = set()
    at = 0
    while at < len(plain):
        match = part.match(plain, at)
        if match is None or match.end() == at:
            return set()
        found.add(match.lastgroup or "")
        at = match.end()
    return found


def _kinds_by_words(plain: str, *, asks: bool) -> set[str]:
    """Return the kinds whose trigger the text has, if it has no words beside theirs.

    A text that ``asks`` is neither thanks nor a farewell: "Is the support good? Thanks".
    """
    words = frozenset(plain.split())
    return {
        kind
        for kind, (trigger, known) in _WORD_SETS.items()
        if (kind == "ability" or not asks) and words <= known | _SHARED and trigger.match(plain)
    }


def _plain(text: str) -> str:
    """Return lower-case words in single spaces; empty for a text with other marks than a chat message has."""
    if len(text) > MAX_CHARACTERS:
        return ""
    folded = unicodedata.normalize("NFC", _EMOTICONS.sub(" ", text)).lower().replace("’", "'")
    kept = []
    for character in folded:
        category = unicodedata.category(character)
        if character.isalpha() or character == "'":
            kept.append(character)
        elif character.isspace() or character in _ALLOWED_MARKS or category in ("So", "Sk", "Cf", "Mn"):
            kept.append(" ")
        else:
            return ""
    return _REPEATED.sub(r"\1", " ".join("".join(kept).split()))
