"""Korean particles, endings and word lists for reading questions."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Particles (josa) and the role they give to their noun; "" where the role is open (topic, genitive …).
PARTICLES = {
    "에서부터": "from", "으로부터": "from", "로부터": "from", "에게서": "from", "한테서": "from", "에서는": "at",
    "에서도": "at", "에서의": "at", "에서": "at", "에게": "to", "한테": "to", "께": "to", "까지": "until", "부터": "from",
    "으로는": "into", "으로의": "into", "으로": "into", "로는": "into", "로의": "into", "로": "into", "보다": "than",
    "처럼": "", "같이": "", "만큼": "", "마다": "", "조차": "", "마저": "", "이나": "", "이랑": "", "하고": "",
    "이란": "", "이라는": "", "라는": "", "란": "", "에는": "", "에도": "", "에의": "", "에": "", "께서": "subject",
    "이": "subject", "가": "subject", "을": "object", "를": "object", "은": "topic", "는": "topic", "의": "", "와": "", "과": "",
    "도": "", "만": "", "나": "", "랑": "",
}  # fmt: skip

#: Verb and sentence endings (eomi) with the politeness and mood that make no other question, longest first.
ENDINGS = tuple(
    sorted(
        _words(
            """
        하는방법 하려면 하는지 하나요 하니까 하는데 하였 하여 하고 하기 하는 하면 하지 하게 하자 하네 하냐 하니 하다 해야 해서 해요 해줘 해라 했어 했나 했니 했다 했는데 합니까
        합니다 할까 할까요 할때 할 한 함 해 하 되나요 되는지 되는데 되려면 되는 되면 되고 되어 되지 되기 되니 되냐 되다 된다 됩니까 됩니다 될까 될까요 돼요 됐어 됐다 됐나 돼 된
        될 됨 되 시키는 시키려면 시키나요 시킬 시킨 시켜 시키 인가요 인가 인지 입니까 입니다 이에요 예요 이야 이죠 이지 이냐 이니 인데 일까 일까요 이다 인 일 나요 는지 는가 는데
        는데요 는거 는건가요 네요 네 니 냐 지요 죠 지 거든 거든요 군요 구나 어요 아요 여요 어 아 여 었어 았어 였어 었나 았나 었니 았니 었다 았다 었는데 았는데 었 았 였 습니까
        습니다 ㅂ니까 ㅂ니다 ㄹ까요 ㄹ까 을까요 을까 ㄹ지 을지 ㄹ수 을수 ㄹ래 을래 을거야 ㄹ거야 을게 ㄹ게 으려면 려면 으면 면 고 기 게 도록 으려고 려고 으니까 니까 아서 어서 서
        여서 아야 어야 여야 아도 어도 는 은 ㄴ ㄹ 을 ㅁ 음 던 다 자 ㄴ다 는다 요 세요 으세요 시 으시 ㅆ
        """
        ),
        key=len,
        reverse=True,
    )
)
#: Contracted last syllables and the stem they come from.
CONTRACTED = {"해": "하", "돼": "되", "봐": "보", "줘": "주", "와": "오", "쳐": "치", "져": "지", "켜": "키", "려": "리",
              "여": "이", "워": "우", "춰": "추", "꿔": "꾸", "눠": "누", "서": "서"}  # fmt: skip

NEGATION = r"(?<![가-힣])(?:안|못)\s+(?=[가-힣])|(?<![가-힣])(?:안|못)(?=되|돼|됩|된|될|하|해|했|할|한|먹|가|갔|와|오|나와|열|보|봐|받|좋|나)|지\s*(?:않|못|마|말)|없|아니(?:라|야|다|고|ㄴ)|아닌|아닙|불가능?|모르|몰라|싫"

#: Adverbs of one syllable; negations among them are counted on their own.
BARE_ADVERBS = frozenset("안못좀더잘의")
LIGHT = _words(
    """
    것 거 게 수 때 좀 그냥 정말 진짜 너무 매우 아주 제일 가장 더 잘 방법 방식 알 알려주 알려 말 설명 설명해주 가르쳐주 궁금 무엇 뭐 뭔 무슨 어떤 어느 어떻게 어떡하 어때 이렇게
    그렇게 저렇게 또 다 자꾸 이제 왠지 많이 조금 약간 혹은 왜 언제 어디 누구 누가 얼마 얼마나 몇 하 되 있 주 보 싶 좋 같 나 내 저 제 너 네 우리 이 그 저 이거 그거 저거 이것
    그것 요 등 및 또는 그리고 하지만 근데 그런데 혹시 대해 대하 대한 관해 관하 위해 위하 통해 경우 추천 부탁 드리 가능 생각 사람 정도 의미 뜻 정의
    차이 이유 까닭
    """
)
#: What is asked of a subject, by pattern; questions that differ in one differ.
ASPECTS = (
    (r"차이|다른\s*점|다르|다른가|비교", "difference"), (r"예시|예제|사례", "example"), (r"종류|유형", "kind"),
    (r"사용|이용|활용|쓰는|써야|쓰나|써요?\b", "use"), (r"작동|동작|원리", "work"), (r"추천", "recommendation"),
    (r"공통점|비슷한\s*점", "similarity"),
)  # fmt: skip
#: Light words that decide what is asked are left to the question type, which is compared on its own.
QUALIFIERS = {
    "항상": "always", "늘": "always", "언제나": "always", "오늘": "today", "내일": "tomorrow", "어제": "yesterday",
    "지금": "now", "현재": "now", "요즘": "now", "최근": "latest", "최신": "latest", "지난": "last", "다음": "next",
    "이번": "this", "작년": "last", "올해": "this", "내년": "next", "모든": "all", "모두": "all", "전부": "all",
    "매일": "daily", "매년": "yearly", "매주": "weekly", "다시": "again", "아직": "still", "이미": "already",
    "벌써": "already", "처음": "first", "마지막": "last", "혼자": "alone", "자동": "automatically", "수동": "manually",
    "제외": "except", "대신": "instead", "최악": "worst",
}  # fmt: skip
MODALS = (
    (r"(?:해|어|아|여|야)\s*(?:하|되|돼|할|합|한|될)?(?:야)\s*(?:하|해|할|합|한|되|돼|될|됩|만)", "must"),
    (r"(?:해|아|어|여|봐|가|와|줘)도\s*(?:되|돼|될|됩|괜찮|좋)", "may"),
    (r"(?:ㄹ|을|할|될|갈|볼|쓸|올|줄|살|알|만들|열)\s*수\s*(?:있|없)", "can"),
    (r"가능", "can"),
)
