"""Citizen identity numbers (GB 11643-1999) and unified social credit codes (GB 32100-2015).

Pure rules over plain text. A correct check digit proves form only, never that the number was
issued, nor that it belongs to the person who shows it.
"""

import re
from datetime import date

PROVINCES = frozenset(
    str(code)
    for block in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(block[0], block[1] + 1)
)
"""First two digits of GB/T 2260; 81, 82, 83 also stand for residence permits (港澳台居民居住证)."""

FOREIGN_RESIDENT = "9"
"""First digit of the 2023 form of 外国人永久居留身份证."""

MALE, FEMALE = "1", "2"
"""Sex, GB/T 2261.1."""

NUMBERS_OF_PEOPLE = re.compile(
    r"(?<!\d)\d{17}[\dXx](?!\d)"
    r"|(?<!\d)[1-8]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)"
    r"|(?<![0-9A-Za-z.])(?:\+?86[ -]?)?[1１][3-9３-９]\d(?:[ -]?\d{4}){2}(?![0-9A-Za-z]|\.\d)"
)
"""What looks like a citizen number (18 or 15 places) or a mobile phone number inside a text.

Parts of a UUID or of a dotted identifier (OID, DICOM UID) are none.
"""

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
_IDENTITY_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_OLD_IDENTITY_NUMBER = re.compile(r"[0-9]{15}")

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_USCC = re.compile(rf"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}")
_ORGANISATION_CODE_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def normalise_identity_number(text: str) -> str:
    """The number as a card system wants it: half-width, without blanks, capital X."""
    return "".join(text.translate(_HALF_WIDTH).split()).upper()


def identity_check_digit(first_17: str) -> str:
    """The 18th place of a citizen number (ISO 7064 MOD 11-2)."""
    total = sum(
        int(digit) * weight for digit, weight in zip(first_17, _IDENTITY_WEIGHTS, strict=True)
    )
    return _IDENTITY_CHECKS[total % 11]


def widen_15(number: str) -> str | None:
    """The 18-place form of a 15-digit number, or None when it is not one.

    Old numbers carry two digits of the year; all were issued to people born in 19xx.
    """
    if not _OLD_IDENTITY_NUMBER.fullmatch(number):
        return None
    first_17 = f"{number[:6]}19{number[6:]}"
    return first_17 + identity_check_digit(first_17)


def birth_date_of(number: str) -> date | None:
    """The birth date inside an 18-place number, or None when there is no such day."""
    if not _IDENTITY_NUMBER.fullmatch(number):
        return None
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def sex_of(number: str) -> str | None:
    """The sex inside an 18-place number (odd sequence = male), as GB/T 2261.1."""
    if not _IDENTITY_NUMBER.fullmatch(number):
        return None
    return MALE if int(number[16]) % 2 else FEMALE


def identity_number_is_valid(number: str, *, born_by: date | None = None) -> bool:
    """Whether a normalised 18-place number has a province, a real day and the right check digit.

    The six division digits need not exist today: numbers of abolished counties stay valid.
    """
    birth = birth_date_of(number)
    if birth is None or (born_by is not None and birth > born_by):
        return False
    if number[:2] not in PROVINCES and number[0] != FOREIGN_RESIDENT:
        return False
    return identity_check_digit(number[:17]) == number[17]


def citizen_number_of(text: str, *, born_by: date | None = None) -> str | None:
    """The valid 18-place number meant by what somebody typed, or None.

    Accepts blanks, full-width digits, a small x and the 15-digit form.
    """
    number = normalise_identity_number(text)
    number = widen_15(number) or number
    return number if identity_number_is_valid(number, born_by=born_by) else None


def organisation_code_check(first_8: str) -> str:
    """The check character of a nine-place organisation code (GB 11714, 组织机构代码)."""
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(first_8, _ORGANISATION_CODE_WEIGHTS, strict=True)
    )
    return "0X987654321"[total % 11]


def uscc_check(first_17: str) -> str:
    """The 18th place of a unified social credit code (统一社会信用代码)."""
    total = sum(
        _USCC_ALPHABET.index(character) * weight
        for character, weight in zip(first_17, _USCC_WEIGHTS, strict=True)
    )
    return _USCC_ALPHABET[-total % 31]


def uscc_is_valid(code: str) -> bool:
    """Whether a unified social credit code has the right form and check character.

    Some codes of the early pilot fail by law; an administrator accepts those with a reason.
    """
    return bool(_USCC.fullmatch(code)) and uscc_check(code[:17]) == code[17]
