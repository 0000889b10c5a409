"""Check digits and formats of cards, accounts and identity numbers."""

from __future__ import annotations

from datetime import date

# IBAN length after the country code (SWIFT IBAN registry).
_IBAN_LENGTHS = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29
    ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
    LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25
    QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
_IBAN_LENGTH = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def digits_of(text: str) -> list[int]:
    """Return the ASCII digits of ``text``, in order."""
    return [int(character) for character in text if character in "0123456789"]


def luhn(text: str) -> bool:
    """Check 12 to 19 digits by the Luhn algorithm (ISO/IEC 7812-1)."""
    digits = digits_of(text)
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for i, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if i % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


# Lengths by first digit: travel and JCB (3), Visa (4), Mastercard (5, 2), Maestro, Discover and UnionPay (5, 6).
_CARD_LENGTHS = {2: (16,), 3: (14, 15, 16), 4: (13, 16, 19), 5: tuple(range(12, 20)), 6: tuple(range(12, 20))}


def payment_card(text: str) -> bool:
    """Check the Luhn digit, and the length for the issuer's first digit."""
    digits = digits_of(text)
    return len(digits) in _CARD_LENGTHS.get(digits[0], ()) and luhn(text)


def iban(text: str) -> bool:
    """Check the country's length and the modulo 97 digits of an IBAN (ISO 13616)."""
    compact = "".join(text.split()).replace("-", "").upper()
    if _IBAN_LENGTH.get(compact[:2]) != len(compact) or not compact.isalnum():
        return False
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def resident_registration(text: str) -> bool:
    """Check the birth date and the check digit of a Korean resident registration number.

    Numbers issued since October 2020 have random digits in place of the region and the check digit. For people
    born since then, only the birth date is checked.
    """
    digits = digits_of(text)
    if len(digits) != 13 or (digits[6] == 0 and digits[0:2] == [0, 0]):
        return False
    century = {9: 1800, 0: 1800, 1: 1900, 2: 1900, 5: 1900, 6: 1900}.get(digits[6], 2000)
    try:
        born = date(
            century + digits[0] * 10 + digits[1], digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
        )
    except ValueError:
        return False
    if born >= date(2020, 10, 1):
        return True
    total = sum(digit * weight for digit, weight in zip(digits, _RRN_WEIGHTS, strict=False))
    foreigner = digits[6] in (5, 6, 7, 8)
    return digits[12] == ((13 if foreigner else 11) - total % 11) % 10


def business_registration(text: str) -> bool:
    """Check the 10 digits of a Korean business registration number; the last is a check digit."""
    digits = digits_of(text)
    if len(digits) != 10:
        return False
    total = (
        sum(digit * weight for digit, weight in zip(digits, _BRN_WEIGHTS, strict=False)) + digits[8] * 5 // 10
    )
    return digits[9] == (10 - total % 10) % 10


def social_security(text: str) -> bool:
    """Check a US social security number: areas 000, 666 and 9xx, group 00 and serial 0000 are never issued."""
    digits = "".join(str(digit) for digit in digits_of(text))
    if len(digits) != 9 or len(set(digits)) == 1 or digits in {"123456789", "078051120"}:
        return False
    return (
        digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    )
