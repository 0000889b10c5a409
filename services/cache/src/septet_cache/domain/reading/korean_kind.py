"""Types of Korean questions."""

from __future__ import annotations

import re

from septet_cache.domain.reading.model import Kind

_ASKS = r"(?:어떻게\s*(?:되|돼|됩|된|될)|얼마|무엇|무언|뭐|뭔|몇|알려|알고|말씀|말해|궁금|가르쳐|문의|확인|$)"
#: Processes whose period is the time that they take. The period of a refund or a contract is a time limit.
_PROCESS = r"(?:배송|배달|처리|심사|발송|제작|수리|공사|준비|승인|발급|검토|회신|답변|입금|출고|설치|개통|치료|회복|건조|조리)"
_MEASURED = r"(?:인구|길이|높이|면적|거리|무게|온도|나이|속도|크기|깊이|기간|시간|확률|비율|용량|한도|금리|이자|이율|수명|수|수량|개수|인원|점수|각도|부피|규모)"
#: Requests to do something. "알려줘" asks for information and is not among them.
_REQUEST = (
    r"(?:줘|줘요|주라|주세요|주실래요?|줄래요?|주겠[가-힣]+|주시겠[가-힣]+|주십시오|달라고?|부탁[가-힣\s]*|바라[가-힣]*|바랍니다|하세요|하십시오|해라)"
    r"|(?:줄|주실)\s*수\s*(?:있|없)[가-힣]*"
)
_ORDERED = r"(?:변경|취소|해지|신청|예약|가입|탈퇴|환불|반품|교환|등록|갱신|연장|정지)"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("opinion", r"어떻게\s*생각|어떤\s*것\s*같|의견"),
    ("why", r"왜|이유|까닭|어째서"),
    (
        "duration",
        rf"(?:{_PROCESS}(?:에|하는\s*데)?\s*(?:기간|시간|소요)|소요|걸리는\s*(?:시간|기간))[가-힣\s]{{0,8}}?{_ASKS}"
        r"|(?:얼마나|얼마|며칠|몇\s*(?:일|시간|분|주|주일|달|개월|년))[가-힣\s]{0,6}(?:걸|소요)",
    ),
    (
        "price",
        rf"(?:가격|비용|요금|값|금액)[은는이가도]?\s*(?:좀\s*)?{_ASKS}|얼마\s*(?:하|해|드|들|내야|내면)",
    ),
    (
        "how",
        r"어떻게(?!\s*(?:되|돼|됩|된|될))|어떡|방법|방식|하는\s*법|려면|절차|어찌|[가-힣]는\s*법",
    ),
    # A wish for a change of one's own order asks for the way: "좌석을 바꾸고 싶어요". Other wishes do not.
    ("how", rf"(?:바꾸|{_ORDERED}\s?하)고\s*싶(?:어요|습니다|은데요)$"),
    ("age", r"몇\s*살|나이|연세"),
    (
        "count",
        r"몇\s*(?:개|명|번|마리|권|장|대|가지|사람|회|곳|시간|잔|병|km|kg|m\b)|얼마(?!나)|수는|개수|인구|인원|수량",
    ),
    ("degree", r"얼마나|얼만큼|어느\s*정도|언제까지"),
    ("when", r"언제|몇\s*(?:시|년|월|일|세기)|며칠|어느\s*(?:해|날|시대)|무슨\s*요일|시기|연도|날짜|일시"),
    ("where", r"어디|어느\s*(?:나라|곳|도시|지역|장소)|위치|장소"),
    ("who", r"누구|누가|누굴|누군|어느\s*사람|어떤\s*사람"),
    ("recommend", r"추천"),
    (
        "what",
        r"무엇|무얼|무언|뭐|뭘|뭔|무슨|어떤|어느|어떠|어때|어떨|어떻|란\s*\??$|이란\s*\??$|란\?|의미|뜻|정의|차이|설명|대해",
    ),
    (
        "yes_no",
        r"[가-힣]지(?:를|가|도|의)?\s*(?:좀\s*)?(?:여부|알려|알고|말씀|말해|궁금|확인|가르쳐)|여부|유무",
    ),
    ("what", r"알려|알고\s*싶|말씀해|말해\s*줘|궁금|가르쳐"),
    ("open", rf"(?:{_REQUEST})$"),
    (
        "yes_no",
        r"(?:나요|까요?|니|냐|는가요?|ㄴ가요?|은가요?|인가요?|던가요?|[가-힣]지요?|죠|나|래|돼|돼요|될까)\s*\?*$",
    ),
)
_RULES = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_OTHER_MEASURE = re.compile(_MEASURED)
_PRICE_OF = re.compile(r"얼마(?:예요|에요|인가요?|인지|입니까|이죠|죠|지|니|냐|야|일까|일지)")


def kind_of(text: str) -> Kind:
    """Return the type of a Korean question by its question word, else by its ending; ``open`` for a statement.

    Phrases with the same meaning have one type: "기간이 어떻게 되나요", "얼마나 걸리나요" and "소요 시간을 알려 주세요" are
    ``duration``.
    """
    plain = text.strip().rstrip("?.!~ ")
    kind: Kind = "yes_no" if text.rstrip().endswith("?") else "open"
    found = next((found for found, pattern in _RULES if pattern.search(plain)), kind)
    if found == "count" and _PRICE_OF.search(plain) and not _OTHER_MEASURE.search(plain):
        return "price"
    return found
