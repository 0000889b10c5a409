"""Korean particles, endings and word lists."""

from __future__ import annotations

from septet_cache.domain.reading.word_table import table, words

#: Particles (josa) by the role that they give to their noun; no role for topic, genitive and others.
PARTICLES = table(
    """
    from: 에서부터 으로부터 로부터 에게서 한테서 부터
    at: 에서는 에서도 에서의 에서
    to: 에게 한테 께
    until: 까지
    into: 으로는 으로의 으로 로는 로의 로
    than: 보다
    : 처럼 같이 만큼 마다 조차 마저 이나 이랑 하고 이란 이라는 라는 란 에는 에도 에의 에 의 와 과 도 만 나 랑
    subject: 께서 이 가
    object: 을 를
    topic: 은 는
    """
)

#: Verb and sentence endings (eomi) that do not change the meaning of a question, longest first.
ENDINGS = tuple(
    sorted(
        words(
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
#: Contracted last syllables by the stem's last syllable.
CONTRACTED = table(
    """
    하: 해
    되: 돼
    보: 봐
    주: 줘
    오: 와
    치: 쳐
    지: 져
    키: 켜
    리: 려
    이: 여
    우: 워
    추: 춰
    꾸: 꿔
    누: 눠
    서: 서
    """
)

NEGATION = r"(?<![가-힣])(?:안|못)\s+(?=[가-힣])|(?<![가-힣])(?:안|못)(?=되|돼|됩|된|될|하|해|했|할|한|먹|가|갔|와|오|나와|열|보|봐|받|좋|나)|지\s*(?:않|못|마|말)|없|아니(?:라|야|다|고|ㄴ)|아닌|아닙|불가능?|모르|몰라|싫"

#: Adverbs of one syllable. Negations among them are counted separately.
BARE_ADVERBS = frozenset("안못좀더잘의")
LIGHT = words(
    """
    것 거 게 수 때 좀 그냥 정말 진짜 너무 매우 아주 제일 가장 더 잘 방법 방식 알 알려주 알려 말 설명 설명해주 가르쳐주 궁금 무엇 뭐 뭔 무슨 어떤 어느 어떻게 어떡하 어때 이렇게
    그렇게 저렇게 또 다 자꾸 이제 왠지 많이 조금 약간 혹은 왜 언제 어디 누구 누가 얼마 얼마나 몇 하 되 있 주 보 싶 좋 같 나 내 저 제 너 네 우리 이 그 저 이거 그거 저거 이것
    그것 요 등 및 또는 그리고 하지만 근데 그런데 혹시 대해 대하 대한 관해 관하 위해 위하 통해 경우 추천 부탁 드리 가능 생각 사람 정도 의미 뜻 정의
    차이 이유 까닭
    """
)
#: Patterns of what a question asks about its subject. Questions with different aspects differ.
ASPECTS = (
    (r"차이|다른\s*점|다르|다른가|비교", "difference"),
    (r"예시|예제|사례", "example"),
    (r"종류|유형", "kind"),
    (r"사용|이용|활용|쓰는|써야|쓰나|써요?\b", "use"),
    (r"작동|동작|원리", "work"),
    (r"추천", "recommendation"),
    (r"공통점|비슷한\s*점", "similarity"),
)
#: Words that limit a question. Question words are not among them; the question type is compared separately.
QUALIFIERS = table(
    """
    always: 항상 늘 언제나
    today: 오늘
    tomorrow: 내일
    yesterday: 어제
    now: 지금 현재 요즘
    latest: 최근 최신
    last: 지난 작년 마지막
    next: 다음 내년
    this: 이번 올해
    all: 모든 모두 전부
    daily: 매일
    yearly: 매년
    weekly: 매주
    again: 다시
    still: 아직
    already: 이미 벌써
    first: 처음
    alone: 혼자
    automatically: 자동
    manually: 수동
    except: 제외
    instead: 대신
    worst: 최악
    """
)
MODALS = (
    (r"(?:해|어|아|여|야)\s*(?:하|되|돼|할|합|한|될)?(?:야)\s*(?:하|해|할|합|한|되|돼|될|됩|만)", "must"),
    (r"(?:해|아|어|여|봐|가|와|줘)도\s*(?:되|돼|될|됩|괜찮|좋)", "may"),
    (r"(?:ㄹ|을|할|될|갈|볼|쓸|올|줄|살|알|만들|열)\s*수\s*(?:있|없)", "can"),
    (r"가능", "can"),
)
