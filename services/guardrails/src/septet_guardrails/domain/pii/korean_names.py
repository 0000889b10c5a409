"""Korean personal names beside a label, a title or an introduction.

A name is a surname and one or two syllables that are common in given names. Without such a context, many ordinary words
have that form, so names in running text are not found.
"""

from __future__ import annotations

import re

from septet_guardrails.domain.pii.recogniser import Recogniser

_SURNAME = "[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여도소석선설마길연위표명기반왕금옥육인맹제모탁국은편용]"
_LONG_SURNAME = "(?:남궁|황보|제갈|사공|선우|서문|독고|동방)"
_SYLLABLE = (
    "[강건경관광교구국권규균근금기길나남내노다단달대덕도동두라란람래련령로록률름리린림마만명모무문미민박배백범별병보복"
    "봄봉비빈빛산삼상샘새서석선설섭성세소솔송수숙순슬승시식신실아안애양언여연열영예오옥온완용우욱운웅원월유윤율은음의이익인일"
    "임자재정제조종주준중지진찬창채천철초춘충치태택평필하학한해향혁현형혜호홍화환회효후훈휘흠희]"
)
# A last syllable that is also a particle; a name that ends with it needs a title or an ending after it.
_NO_PARTICLE = "(?<![은의이도로만])"
_NATIVE = "(?:하늘|아름|한결|보람|슬기|나래|가람|이슬|새롬|초롱|빛나|사랑|한별|샛별|다솜|누리|우람)"
_GIVEN = f"(?:{_NATIVE}|{_SYLLABLE}{{2}})"
# Words of the same form.
_WORDS = (
    "(?!(?:이용자|방문자|주문자|소유자|소수자|이주자|유권자|노동자|연주자|지도자|전임자|안내원|안내서|공무원|연구원|구성원|조교수"
    "|주문서|설명서|신청서|고용주|유명인|임대인|지배인|민원인|장애인|정치인|연예인|현지인|원주민|한국인|임원진|여주인|이름을|이름은|이름이"
    "|주인공|최고의|최소한|최대한|이의제|우선순|지원자|전용기|유선전|무선전|정수기|조선시|고령자|연장자|지인))"
)
_NAME = f"{_WORDS}(?:{_LONG_SURNAME}(?:{_NATIVE}|{_SYLLABLE}{{1,2}})|{_SURNAME}{_GIVEN})"
# Clans are named by their origin: "전주이씨".
_CLAN = (
    "(?!(?:전주|안동|한산|여흥|남양|문화|연안|전의|함안|하동|용인|양천|진주|선산|원주|고성|성주|연일|신천|안산|여산|예안|진양)"
    "[김이박최정강조윤장임한신권황안송류유전홍문허남민원양]씨)"
)
_SHORT = f"{_SURNAME}{_SYLLABLE}"

_OF_PERSONS = (
    "성함|성명|고객명|예금주|수취인|수령인|예약자|주문자|신청자|의뢰인|보호자|환자명|회원명|본명|실명|담당자"
    "|받는 ?(?:사람|분)|보내는 ?(?:사람|분)|보낸 ?(?:사람|분)"
)
_LABEL = f"(?:{_OF_PERSONS}|이름)(?: ?(?:이름|성함|성명))?(?:은|는|이|가)?"
_ENDING = (
    "(?:입니다|이에요|예요|이고|이며|인데|이?라고|이?라는|이십니다|이?었|였|(?:으로|로) (?!어떻)| ?씨| ?님)"
)
# Titles of customers, and of employees: titles of public persons need the suffix 님.
_TITLE = (
    "(?:씨(?![앗족방줄])|님(?!들)|고객(?:님|[ ,.의이은께]|에게)|회원(?:님|[ ,.의이은께]|에게)|환자(?:분|[ ,.의가는께]|에게)"
    "|(?:대리|과장|부장|차장|팀장|사원|주임)(?:님|[ ,.의이가은는께]|에게|$)"
    "|(?:선생|대표|이사|실장|원장|교수|기사|간호사|매니저)님)"
)


def _names(pattern: str, marks: tuple[str, ...], score: float = 0.85) -> Recogniser:
    return Recogniser("PERSON", re.compile(pattern), score, marks=marks)


KOREAN_NAMES: tuple[Recogniser, ...] = (
    _names(
        rf"(?<![가-힣]){_CLAN}({_NAME})(?<!의) ?{_TITLE}",
        ("씨", "님", "고객", "회원", "환자", "대리", "장", "사원", "주임"),
    ),
    # A space between surname and given name is common before 씨 and 님 only. 이, 전, 한 … before a space are words.
    _names(
        rf"(?<![가-힣])((?![이전한현구신]){_SURNAME} {_GIVEN}) ?(?:씨(?![앗족방줄])|님(?!들))", ("씨", "님")
    ),
    _names(
        rf"(?<![가-힣])(?:{_LABEL}) ?[:：] ?({_NAME}|{_SHORT})(?![가-힣])",
        ("이름", "성함", "성명", "명", "인", "자", "주", "사람", "분"),
    ),
    _names(
        rf"(?<![가-힣])(?:{_LABEL}) ?[:：]? ?({_NAME})(?={_ENDING}|[,./)]|$)",
        ("이름", "성함", "성명", "명", "인", "자", "주", "사람", "분"),
    ),
    _names(
        rf"(?<![가-힣])(?:{_OF_PERSONS}) ({_NAME}{_NO_PARTICLE})(?= )",
        ("성함", "성명", "명", "인", "자", "주", "사람", "분"),
    ),
    _names(
        rf"(?<![가-힣])(?:제|내|본인) ?(?:이름|성함|성명)[은이]? ({_SHORT})(?=입니다|이에요|예요|이고|이?라고)",
        ("이름", "성함", "성명"),
    ),
    _names(
        rf"(?<![가-힣])(?:저는|제가|나는|전|안녕하세요[,.]?|여보세요[,.]?) ({_NAME})(?=입니다|이에요|예요|이?라고)",
        ("입니다", "에요", "예요", "라고"),
    ),
    _names(
        rf"(?<![가-힣])({_NAME})(?=이?라고 (?:합니다|해요|하는데|불러))",
        ("라고 합", "라고 해", "라고 하", "라고 불"),
    ),
    _names(rf"(?<![가-힣])({_SHORT})(?=이?라고 불러)", ("라고 불러",)),
    _names(
        rf"(?<![가-힣])(?:고객|회원|환자|직원) ({_NAME})(?=님|씨|[의가께] |에게|이 |[,.])",
        ("고객", "회원", "환자", "직원"),
    ),
)
