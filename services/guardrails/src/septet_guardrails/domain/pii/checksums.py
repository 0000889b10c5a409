"""Check digits by which a number is told from any other run of digits."""

from __future__ import annotations

from datetime import date

# IBAN lengths by country (SWIFT IBAN registry).
_IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip
_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def digits_of(text: str) -> list[int]:
    """The ASCII digits of ``text``, in order."""
    return [int(character) for character in text if character in "0123456789"]


def luhn(text: str) -> bool:
    """Luhn check of payment card numbers (ISO/IEC 7812-1), 12 to 19 digits."""
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
    """Luhn check, and a length that the issuer's first digit allows."""
    digits = digits_of(text)
    return len(digits) in _CARD_LENGTHS.get(digits[0], ()) and luhn(text)


def iban(text: str) -> bool:
    """Country length and modulo 97 check of an IBAN (ISO 13616)."""
    compact = "".join(text.split()).replace("-", "").upper()
    if _IBAN_LENGTH.get(compact[:2]) != len(compact) or not compact.isalnum():
        return False
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def resident_registration(text: str) -> bool:
    """Korean resident registration number: date of birth, and the check digit where one is issued.

    Numbers issued since October 2020 have random digits in place of the region and the check digit, so a
    birth date and a gender digit that agree suffice for people born from then on.
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
    """Korean business registration number: 10 digits, the last a check digit."""
    digits = digits_of(text)
    if len(digits) != 10:
        return False
    total = (
        sum(digit * weight for digit, weight in zip(digits, _BRN_WEIGHTS, strict=False)) + digits[8] * 5 // 10
    )
    return digits[9] == (10 - total % 10) % 10


def social_security(text: str) -> bool:
    """US social security number: areas 000, 666 and 9xx, group 00 and serial 0000 are never issued."""
    digits = "".join(str(digit) for digit in digits_of(text))
    if len(digits) != 9 or len(set(digits)) == 1 or digits in {"123456789", "078051120"}:
        return False
    return (
        digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    )
