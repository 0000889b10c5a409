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
        는거야 는거지 는건지 는건데 는걸까 는걸까요 ㄴ거야 ㄴ걸까 ㄹ거예요 을거예요 으려는데 려는데 고파 고파요 고싶어 고싶어요 고싶은데
        한가요 한가 한지 ㄴ가요 ㄴ가 은가요 은가 ㄴ지 은지 던가요 던가 해주세요 해주시겠어요 해주실 해주실래요 해줄 해줄래 해줄래요 해주십시오 해주시
        줘요 줘 주세요 주실 주실래요 주시겠어요 줄래 줄래요 주십시오 주라 고요 ㄹ게요 을게요 ㄹ래요 을래요 자고 더라 더라고 더라고요 던데
        겠어 겠어요 겠습니다 겠지 겠네 겠다 잖아 잖아요 으니 십시오 으십시오 아라 어라 여라 ㄹ지요 ㄹ지도 나봐 ㄴ데 은데 ㄴ데요 은데요
        여서 아야 어야 여야 아도 어도 는 은 ㄴ ㄹ 을 ㅁ 음 던 다 자 ㄴ다 는다 요 세요 으세요 시 으시 ㅆ
        """
        ),
        key=len,
        reverse=True,
    )
)
#: First syllables of the forms of 하다 and 되다.
VERBALISERS = tuple("하해했할한합함되돼될된됩됐됨")
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
    끄: 꺼
    쓰: 써
    뜨: 떠
    """
)

NEGATION = r"금지|(?<![가-힣])금(?:하|해)|불허|못하게|(?<![가-힣])(?:안|못)\s+(?=[가-힣])|(?<![가-힣])(?:안|못)(?=되|돼|됩|된|될|하|해|했|할|한|먹|가|갔|와|오|나와|열|보|봐|받|좋|나)|지\s*(?:않|못|마|말)|없|아니(?:라|야|다|고|ㄴ)|아닌|아닙|불가능?|모르|몰라|싫"

#: Adverbs of one syllable. Negations among them are counted separately.
BARE_ADVERBS = frozenset("안못좀더잘의")
#: Nouns, pronouns and adverbs that say little about the subject, alone or before a particle.
LIGHT = words(
    """
    것 거 게 수 때 좀 그냥 정말 진짜 너무 매우 아주 제일 가장 더 잘 설명 무엇 뭐 뭔 무슨 어떤 어느 어떻게 어떡하 어때 이렇게
    그렇게 저렇게 또 다 자꾸 이제 왠지 많이 조금 약간 혹은 왜 언제 어디 어디서 누구 누가 얼마 얼마나 몇 나 내 저 제 너 네 우리 저희 이 그 저
    이거 그거 저거 이것 그것 요 등 및 또는 그리고 하지만 근데 그런데 혹시 대해 대한 대해서 관해 관한 위해 위한 통해 경우 추천 부탁 가능 생각 사람
    정도 의미 뜻 정의 차이 이유 까닭 문의 질문 제가 내가 건가 건지 거야 건가요 걸까 걸까요 뭘 뭐가 뭐야 여부 마 마라 마요 마세요 말아 말고 말라 때문에 너무너무 완전 은근 드디어 결국 점점 괜히 그래도 이런 그런 저런 그동안 역시 아무튼 일단 우선 살짝 굉장히
    엄청 무척 상당히 꽤 참 넘 제발 도대체 대체 과연 아마 한번 나는 나도 나를 나한테 내게 저는 저도 저를 저한테 저에게 제게 너는 네가 니가 니 그걸 그게
    이게 이걸 걔 얘 뭔가 뭔가요 뭔지 뭔데 궁금해요 궁금합니다 궁금해
    """
)
#: Pronouns among them that are also verb stems with content (내다, 나다, 젓다).
PRONOUNS = words("나 내 저 제 너 네 이 그")
#: Stems of verbs and adjectives that say little about the subject.
LIGHT_STEMS = words(
    """
    하 되 있 주 보 싶 좋 같 드리 알 알리 알려주 말하 말해주 말씀해주 설명하 설명해주 가르치 가르쳐주 궁금하 대하 관하 위하 통하 가능하
    생각하 어떻 어떠 어떡하 이렇 그렇 추천하 추천해주 문의하 문의드리 질문드리 질문하 부탁하 부탁드리 여쭙 여쭤보 해주 해보 하려
    """
)
#: Words that repeat the question type.
LIGHT_BY_KIND = {
    "duration": words("기간 시간 소요 소요시간 소요기간 걸리 걸 소요되 오래 며칠 데"),
    "price": words("가격 비용 요금 값 금액 들 드 하"),
    "age": words("나이 연세 살"),
    "when": words("날짜 시기 일시 시점 며칠"),
    "where": words("위치 장소 곳 위치하"),
    "why": words("원인"),
    "how": words("절차 방법 방식 법"),
    "what": words("내용 정보"),
}
#: Verb stems of one syllable. Other words of two syllables keep their last syllable (사자, 의자, 수신).
SHORT_STEMS = words(
    """
    하 되 있 없 주 보 싶 좋 같 알 가 오 사 쓰 타 먹 받 찾 열 닫 듣 읽 팔 놀 살 죽 울 웃 걷 뛰 앉 서 눕 입 벗 끄 켜 키 나 내 넣 빼 뽑 풀 걸 들 놓
    두 치 밀 당 잡 막 묻 믿 잊 잃 끊 끝 늦 빠 크 작 많 적 높 낮 길 짧 넓 좁 싸 춥 덥 쉽 맞 틀 남 넘 섞 씻 굽 볶 끓 삶 찌 튀 얻 잠 졸 꾸 깨 지 자
    추 쉬 뜨 차 파 캐 매 메 세 배 베 펴 떼 쏘 쌓 찍 뜯 접 꺾 갚 꾸 돌 달 날 팔 줄 늘 물 빌 걸 만 식 싫 밝 맑 젖 마르 젊 늙 낳 앓 옮 굶 닮 숨 감
    """
)
#: Nouns of two syllables that look like a verb with an ending.
NOUNS_LIKE_VERBS = words(
    """
    사기 사고 가지 가게 가면 보고 보기 자기 자고 타자 하자 주기 주자 알림 보자 고기 나라 나라는 내기 내면 내고 세기 세면 지면 지도 지게 서기 서면 배기 차기
    오자 받침 주고 사자 의자 모자 감자 과자 피자 환자 여자 남자 부자 투자 이자 숫자 문자 글자 한자 저자 독자 기자 학자 화면 라면 측면 도면 표면 정면 장면 방면
    날씨 놀이 먹이 길이 높이 넓이 깊이 걷기 읽기 쓰기 듣기 찜 튀김 구이 볶음 잠 꿈 삶 춤 웃음 울음 믿음 걸음 얼음 마음 처음 다음 모음 자음 소음 녹음 발음
    """
)
#: Devices whose names look like the nominal form of a verb.
DEVICES = words(
    """
    청소기 세탁기 계산기 번역기 비행기 건조기 복사기 녹음기 충전기 면도기 정수기 가습기 제습기 발전기 전화기 측정기 소화기 자판기 단말기 공유기 청정기 식기세척기
    제빵기 커피머신 검색기 변환기 감지기 탐지기 인식기 결제기 발급기 판매기 송신기 수신기 증폭기 분쇄기
    """
)
#: Roles of question words. They may stand anywhere in a sentence if no other word has the role.
QUESTION_ROLES = {"어디": "at", "언제": "time", "어떻게": "manner", "얼마나": "degree"}
#: Studies and leave that one applies for: "휴학 신청 방법" is the way of 휴학.
APPLIED_FOR = "휴학|복학|휴직|복직|자퇴"
#: Forms in which another party acts. "입원시키는 방법" is not "입원하는 방법", and "승인되는 방법" not "승인하는 방법".
VOICES = (
    (r"[가-힣]시(?:키|켜|킬|킨|킵)|보여\s*주(?:는|려면)", "causative"),
    (
        r"[가-힣]되(?:는\s*(?:방법|방식|절차|법)|려면)|[가-힣]{2}(?:된|되는|될)\s*(?:사람|분)|누가\s[^?]*[가-힣]{2}[되될됐됩돼]",
        "passive",
    ),
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
    most: 가장 제일
    more: 더
    less: 덜
    all: 다
    """
)
MODALS = (
    (r"(?:해|어|아|여|야)\s*(?:하|되|돼|할|합|한|될)?(?:야)\s*(?:하|해|할|합|한|되|돼|될|됩|만)", "must"),
    (r"(?:해|아|어|여|봐|가|와|줘)도\s*(?:되|돼|될|됩|괜찮|좋)", "can"),
    (r"[가-힣](?:이|가)?\s(?:되나요|되는지|되는가|되는\s?건가|돼요|될까요|됩니까|되나|돼)\s*\??$", "can"),
    (r"(?:[가-힣])\s*수\s*(?:도\s*|가\s*)?(?:있|없)", "can"),
    (r"가능", "can"),
)
