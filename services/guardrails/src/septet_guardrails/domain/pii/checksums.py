"""Check digits and formats of cards, accounts and identity numbers, by python-stdnum where it covers them."""

from __future__ import annotations

from datetime import date

from stdnum import iban as stdnum_iban
from stdnum import luhn as stdnum_luhn
from stdnum.exceptions import ValidationError
from stdnum.kr import brn, rrn
from stdnum.us import ssn

# From this month on, resident numbers have random digits in place of the region and the check digit.
_RANDOM_SINCE = date(2020, 10, 1)
_BRN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
# Lengths by first digit: travel and JCB (3), Visa (4), Mastercard (5, 2), Maestro, Discover and UnionPay (5, 6).
_CARD_LENGTHS = {2: (16,), 3: (14, 15, 16), 4: (13, 16, 19), 5: tuple(range(12, 20)), 6: tuple(range(12, 20))}
# Numbers of documentation that python-stdnum does not list.
_SAMPLE_SSNS = frozenset({"123456789"})


def digits_of(text: str) -> list[int]:
    """Return the ASCII digits of ``text``, in order."""
    return [int(character) for character in text if character in "0123456789"]


def _joined(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def luhn(text: str) -> bool:
    """Check 12 to 19 digits by the Luhn algorithm (ISO/IEC 7812-1)."""
    number = _joined(text)
    return 12 <= len(number) <= 19 and len(set(number)) > 1 and stdnum_luhn.is_valid(number)


def payment_card(text: str) -> bool:
    """Check the Luhn digit, and the length for the issuer's first digit."""
    digits = digits_of(text)
    return len(digits) in _CARD_LENGTHS.get(digits[0], ()) and luhn(text)


def iban(text: str) -> bool:
    """Check the country's structure and the modulo 97 digits of an IBAN (ISO 13616)."""
    # The checks of national banks would import a module for each country on the hot path.
    return stdnum_iban.is_valid(text, check_country=False)


def resident_registration(text: str) -> bool:
    """Check the birth date and the check digit of a Korean resident or foreigner registration number.

    For people born since October 2020, only the birth date is checked.
    """
    number = _joined(text)
    if len(number) != 13 or (number[6] == "0" and number.startswith("00")):
        return False
    try:
        born = rrn.get_birth_date(number)
    except ValidationError:
        return False
    if born >= _RANDOM_SINCE:
        return True
    # python-stdnum does not know the offset of foreigners' check digits.
    offset = 2 if number[6] in "5678" else 0
    return int(number[12]) == (int(rrn.calc_check_digit(number[:12])) + offset) % 10


def business_registration(text: str) -> bool:
    """Check the format and the check digit of a Korean business registration number."""
    number = _joined(text)
    if not brn.is_valid(number):
        return False
    # python-stdnum checks the format only.
    digits = digits_of(number)
    total = sum(digit * weight for digit, weight in zip(digits, _BRN_WEIGHTS, strict=False))
    return digits[9] == (10 - (total + digits[8] * 5 // 10) % 10) % 10


def social_security(text: str) -> bool:
    """Check a US social security number: some areas, groups and serials are never issued."""
    number = _joined(text)
    return len(set(number)) > 1 and number not in _SAMPLE_SSNS and ssn.is_valid(number)
