"""Addresses of homes and offices: Korean road and lot addresses, and streets with a number in English text.

Towns, provinces and streets without a number are places, not addresses.
"""

from __future__ import annotations

import re

from septet_guardrails.domain.pii.recogniser import NOT_AFTER_STOP, Recogniser

# Korean: province or city, districts, road or lot with its number, then building, house and door.
_PROVINCE = (
    "(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주)(?:특별자치시|특별자치도|특별시|광역시|시|도)?"
    "|충청[남북]도|전라[남북]도|경상[남북]도"
)
_DISTRICT = "[가-힣]{1,6}[시군구]"
_VILLAGE = "[가-힣]{1,6}[읍면동리가]"
# Adverbs and particles with the ending of a road: "새로 10개", "기준으로 3".
_ADVERB = "(?!(?:새로|따로|바로|서로|주로|별로|추가로|실제로|대로|그대로|차례로|무료로|최대로|스스로|홀로|제로|실로|진실로|별도로|임의로) )"
_ROAD = rf"{_ADVERB}[가-힣0-9]{{1,9}}(?:(?<!으)로|길)(?: ?\d{{1,4}}번?[길로])? ?\d{{1,5}}(?:-\d{{1,4}})?"
_LOT = r"[가-힣0-9]{1,8}[동리가] \d{1,5}(?:-\d{1,4}번지|-\d{1,4}|번지)"
_DOOR = r"(?:\d{1,4}동 ?\d{1,5}호|\d{1,4}동|\d{1,3}층(?: ?\d{1,5}호)?|\d{2,5}호)(?![가-힣]?선)"
_BUILDING = r"(?:[가-힣A-Za-z0-9]{1,12}(?:아파트|빌딩|타워|빌라|오피스텔|맨션|하우스))"
_REST = rf"(?:,? ?\([가-힣0-9, ]{{1,20}}\))?(?:,? ?{_BUILDING})?(?:,? ?{_DOOR})?"
# A unit after the number makes it an amount: "서울로 3개".
_NOT_AN_AMOUNT = (
    r"(?!\d|[.,-]\d| ?(?:[개명대원번회차년월일분초시위%배곳박칸줄쪽편권]|건(?!물)|가지|호선|km|m\b))"
)
_LEAD = rf"(?:(?:{_PROVINCE}) (?:{_DISTRICT} ){{0,2}}|{_DISTRICT} (?:{_DISTRICT} )?)"

# English text, with the street types of other languages. Capitals separate names from ordinary words.
_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĜĞĠĢĤĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŖŘŚŜŞŠŢŤŪŮŰŲŴŶŹŻŽ"
_CAP = rf"[{_UPPER}][\w'’.-]{{0,20}}"
_STREET = (
    r"(?:(?:Street|Avenue|Road|Lane|Drive|Boulevard|Terrace|Parkway|Crescent)\b"
    # "Mount St. Helens" and "Dr. Smith" are no streets.
    r"|(?:St|Ave|Rd|Ln|Dr|Blvd|Pkwy)\b(?!\.? (?!Apt|Suite|Unit)[A-Z])\.?)"
)
_LOOSE = r"(?:Way|Place|Court|Square|Close|Hill|Grove|Gardens|Row|Walk|Park)\b"
_FAMOUS = r"(?!(?:Wall|Sesame|Fleet|Downing|Bourbon|Abbey|Pennsylvania|Silk|Jump|Cloverfield|Baker)\b)"
_SUFFIXED = r"[\w-]{2,20}(?:straße|strasse|straat|gasse|weg|gade|gata|gatan|vej|veien|vegen|vägen|katu|intie|laan|platz|allee)"
_PREFIXED = r"(?:Rue|Via|Viale|Calle|Rua|Avenida|Piazza|Plaza|Chemin|Allée|Praça|Travessa|Camino|Ulica|ul\.|Rruga|Strada)"
_OF = r"(?:(?:de|du|des|la|le|les|della|delle|dei|di|da|do|dos|das|del|el|al|San|Santa) ){0,3}"
_UNIT = r"(?:,?[ \n>?]{1,6}(?:Apt|Apartment|Suite|Ste|Unit|Floor|Room)\.? ?#?\d{1,5}[A-Z]?\b)?"
# A town, optionally with its state and country, that ends in a postal code; over several lines in letters.
_POSTAL = rf",?[ \n>?]{{1,8}}{_CAP}(?: {_CAP})?[ \n>?]{{0,8}}(?:, ?[A-Z]{{2}}\b)?(?:[ \n>?,]{{1,8}}{_CAP}(?: {_CAP})?)?[ \n>?]{{1,8}}\d{{4,6}}(?:-\d{{3,4}})?\b"
_END = rf"{_UNIT}(?:{_POSTAL})?"
_AT = r"address|\blives?\b|living|reside|deliver|\bship|send|sent to|located|restaurant|moved|mail|office|home|house|visit|\bat$"


def _address(
    pattern: str, *, marks: tuple[str, ...] = (), digits: int = 1, context: str = "", score: float = 0.8
) -> Recogniser:
    near = re.compile(context, re.IGNORECASE) if context else None
    return Recogniser("ADDRESS", re.compile(pattern), score, context=near, digits=digits, marks=marks)


_NEAR = r"address|deliver|\d{3,6} [A-Z]|Apt"

KOREAN_ADDRESSES: tuple[Recogniser, ...] = (
    _address(
        rf"(?<![가-힣])(?:{_LEAD})(?:{_VILLAGE} ){{0,2}}{_ROAD}{_NOT_AN_AMOUNT}{_REST}", marks=("로", "길")
    ),
    _address(
        rf"(?<![가-힣])(?:{_LEAD})(?:{_VILLAGE} ){{0,1}}{_LOT}(?![\d가-힣]?선){_REST}",
        marks=("동", "리", "가"),
    ),
    _address(
        rf"(?<![가-힣])(?:{_VILLAGE} )?{_ROAD}{_NOT_AN_AMOUNT}{_REST}",
        marks=("로", "길"),
        context="주소|배송|사는 곳|살아요|삽니다|거주|이사|배달|택배|수거|자택",
        score=0.7,
    ),
    _address(rf"(?<![가-힣\d])(?:{_BUILDING} )?\d{{1,4}}동 ?\d{{2,5}}호(?!선)", marks=("호",), digits=3),
)

OTHER_ADDRESSES: tuple[Recogniser, ...] = (
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}\d{{1,6}} {_FAMOUS}(?:{_CAP} ){{1,3}}{_STREET}{_END}",
        marks=("st", "ave", "r", "lane", "ln", "pkwy", "blvd"),
    ),
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}\d{{1,6}} (?:{_CAP} ){{1,3}}{_LOOSE}{_END}",
        marks=("way", "place", "court", "square", "close", "hill", "grove", "gardens", "row", "walk", "park"),
        context=_AT,
    ),
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}(?:\d{{1,6}} )?[{_UPPER}]{_SUFFIXED} \d{{1,4}}[a-z]?\b{_END}",
        marks=(
            "stra",
            "gas",
            "weg",
            "gad",
            "gat",
            "vej",
            "vei",
            "veg",
            "väg",
            "katu",
            "intie",
            "laan",
            "platz",
            "allee",
        ),
        context=rf"{_AT}|Apt|Suite|\d{{3}}",
    ),
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}(?:\d{{1,6}} )?{_PREFIXED} {_OF}{_CAP}(?: {_CAP}){{0,2}},? \d{{1,4}}[a-z]?\b{_END}",
        marks=(
            "ru",
            "via",
            "calle",
            "aveni",
            "pia",
            "pla",
            "chem",
            "all",
            "praça",
            "trav",
            "cam",
            "ul",
            "strada",
        ),
    ),
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}(?:\d{{1,6}} )?{_CAP} (?:utca|tér|út|körút|köz|u\.) \d{{1,4}}\b\.?{_END}",
        marks=("ut", "tér", "út", "kör", "köz", "u."),
    ),
    _address(r"(?<!\w)(?:\d{1,6} )?P\. ?O\. Box \d{1,6}|(?<!\w)PO Box \d{1,6}", marks=("box",)),
    _address(
        r"(?<!\w)(?:PSC \d{1,5},? Box \d{1,5}|Unit \d{1,5},? Box \d{1,5}|USN[SV] \w{2,20})\s{1,3}(?:APO|FPO|DPO),? A[AEP] \d{5}",
        marks=("apo", "fpo", "dpo"),
        digits=5,
    ),
    # A street without a type, before a unit or a town with its postal code.
    _address(
        rf"(?<![\w-]){NOT_AFTER_STOP}\d{{1,6}} (?:{_CAP} ){{1,3}}\d{{1,4}}(?:[ \n>?]{{1,8}}(?:Apt|Suite)\.? \d{{1,5}}\b(?:{_POSTAL})?|{_POSTAL})",
        digits=5,
    ),
    _address(r"(?<!\w)Apt\. #?\d{1,5}\b", marks=("apt",), context=_NEAR),
    # "Creative Suite 6" is a product.
    _address(r"(?:(?<=[\d,.>?\n] )|(?<=[>\n]))Suite #?\d{1,5}\b", marks=("suite",), context=_NEAR),
)
