"""Canonical wording of Korean questions: context clauses before the question."""

from __future__ import annotations

import re

#: States that the question after them implies: whoever resets a password has lost it.
_STATE = re.compile(
    r"^(?:제가\s*|나\s*|저\s*|혹시\s*)?(?P<noun>[가-힣A-Za-z0-9]+(?:\s[가-힣A-Za-z0-9]+)?)(?:을|를|이|가)?\s*"
    r"(?:잊어\s?버렸|잊었|잊어\s?먹었|까먹었|분실했|잃어\s?버렸|기억이?\s*안\s*나|기억나지\s*않|모르겠|생각이?\s*안\s*나)"
    r"(?:는데요?|어요|습니다|어|네요|으니|고|다)?[.,!…]*\s+(?:근데\s*|그런데\s*)?(?P<question>.{4,})$"
)
_GREETING = re.compile(
    r"^(?:안녕하세요|안녕|저기요|저기|여보세요|실례합니다|혹시|질문\s?있습니다|질문이요|문의드립니다)[.,!~\s]+"
)
_DAYS = re.compile(r"몇\s*일(?=인|이|간|\s|걸|동|\?|$)")
#: "연차는 며칠" asks for a number of days, but "시험은 며칠" for a date.
_NUMBER_OF_DAYS = re.compile(
    r"(?<=연차|휴가|병가|월차)\s?일수[는은가]?\s*(?:좀\s*)?(?:어떻게\s*되[가-힣]+|얼마[가-힣]*|며칠)"
)
#: Elsewhere 영업 is the work of a salesperson.
_OPENING_HOURS = re.compile(r"(?:영업|운영)\s?시간")
_FEE = r"(?:수수료|위약금|벌금)"
#: "취소 시 수수료가 발생하나요". A bare 시 can also be a city or a poem, and 발생 a part of a term.
_IN_CASE = re.compile(rf"(?<=취소|해지|환불|반품|교환|변경) 시(?= {_FEE})")
_INCURRED = re.compile(rf"({_FEE}[가이]?) 발생(?:하나요|하는가요|합니까|하는지|돼요|되나요|해요)")
_AFTER = re.compile(
    r"[.,!?~\s]+(?:부탁\s?드려요|부탁\s?드립니다|부탁해요?|감사합니다|고맙습니다|도와\s?주세요|알려\s?주세요)[.!~\s]*$"
)


def canonical(text: str) -> str:
    """Remove greetings and thanks, and resolve a context clause.

    "비밀번호를 잊어버렸는데 어떻게 재설정하나요?" becomes "비밀번호 어떻게 재설정하나요?".
    """
    plain = _DAYS.sub("며칠", _GREETING.sub("", text))
    plain = _OPENING_HOURS.sub("영업 시간", _NUMBER_OF_DAYS.sub(" 며칠", plain))
    plain = _INCURRED.sub(r"\1 있나요", _IN_CASE.sub("", plain))
    if "?" in plain[:-1] or re.search(r"[가-힣]{2}[?.]\s", plain):
        plain = _AFTER.sub("?", plain) or plain
    if found := _STATE.match(plain):
        noun, question = found["noun"], found["question"]
        stem = re.sub(r"(?<=[가-힣]{2})(?:을|를|이|가)$", "", noun)
        return question if stem in question else f"{stem} {question}"
    return plain or text
