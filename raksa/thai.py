"""Thai text, once: digits, dates in the Buddhist era, names, citizen ids.

Sources of the forms read here: DOMAIN sections 4.10, 6.1 and 12 of the reference the project was built from; the
fixtures in tests/raksa/test_thai.py show each of them.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from stdnum.th import pin

from raksa.calendar import BUDDHIST_ERA

_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
MONTHS = ("มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
          "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม")  # fmt: skip
MONTHS_SHORT = ("ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.")
_MONTH_NUMBER = {
    form: number
    for names in (MONTHS, MONTHS_SHORT, tuple(m.replace(".", "") for m in MONTHS_SHORT))
    for number, form in enumerate(names, start=1)
}
# Longest first, so that เด็กหญิง is not read as the nickname-like ด.
PREFIXES = {
    "เด็กชาย": "เด็กชาย", "เด็กหญิง": "เด็กหญิง", "นางสาว": "นางสาว", "ด.ช.": "เด็กชาย", "ด.ญ.": "เด็กหญิง",
    "น.ส.": "นางสาว", "นาย": "นาย", "นาง": "นาง",
}  # fmt: skip
_TONES = re.compile("[\u0e47-\u0e4e]")
_LEADING_VOWEL = re.compile("([\u0e40-\u0e44])([\u0e01-\u0e2e])")
_MASKED = re.compile(r"\d[\s-]*(?:[xX*•]{2,}|\.{2,})")
_REPEATED_TONE = re.compile("([\u0e48-\u0e4b])\\1+")
_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b]*)\u0e32")


def clean(text: str) -> str:
    """Text as it was meant: NFC, decomposed sara am and sara ae joined, doubled tone marks and NBSP undone, trimmed.

    >>> clean("  ทํา\u00a0 เเล้ว ")
    'ทำ แล้ว'
    """
    # What is invisible goes first: it may stand between marks that belong together.
    text = unicodedata.normalize("NFC", text.replace("\u00a0", " ").replace("\u200b", "").replace("\ufeff", ""))
    # Nikhahit and sara aa are sara am; a tone mark may have been typed between them: น ํ ้ า -> น ้ ำ
    text = _SARA_AM.sub("\\1\u0e33", text).replace("\u0e40\u0e40", "\u0e41")
    text = _REPEATED_TONE.sub(r"\1", text)
    return re.sub(r"\s+", " ", text).strip()


def arabic(text: str) -> str:
    """Thai digits as Arabic ones; everything else unchanged."""
    return text.translate(_DIGITS)


def common_era(year: int) -> int:
    """CE year of a year as people write it: 2567 and 67 are BE, 2024 is CE."""
    if year < 100:
        return year + 2500 - BUDDHIST_ERA
    return year - BUDDHIST_ERA if year > 2400 else year


def read_date(text: str, order: str = "dmy") -> date | None:
    """A date as Thai files write it, or None if the text is none.

    Day, month, year with / - . or spaces, Thai digits, month names long or short, years in BE or CE or two digits;
    ISO dates; a time after the date is ignored. 29/02/2567 is a day (CE 2024). `order` is dmy, mdy or ymd. A year of
    one or three digits, or outside CE 1900 to 2100, is a slip of the hand and no date.

    >>> read_date("29/02/2567"), read_date("๑๖ พ.ค. ๖๗"), read_date("2024-05-16 08:30"), read_date("31/02/2567")
    (datetime.date(2024, 2, 29), datetime.date(2024, 5, 16), datetime.date(2024, 5, 16), None)
    """
    text = arabic(clean(text))
    text = re.sub(r"^(วันที่|วัน\S+ที่)\s*", "", text).replace("พ.ศ.", " ").replace("เดือน", " ")
    text = re.sub(r"[ T,]+(เวลา\s*)?\d{1,2}[:.]\d{2}([:.]\d{2})?(\.\d+)?\s*(น\.?)?$", "", text)
    named = re.fullmatch(r"(\d{1,2})[\s/-]*([ก-๙][ก-๙.]*?)[\s/-]*(\d{2}|\d{4})", text)
    if named:
        month = _MONTH_NUMBER.get(named[2]) or _MONTH_NUMBER.get(named[2].replace(".", ""))
        return _day(int(named[3]), month, int(named[1])) if month else None
    parts = re.fullmatch(r"(\d{1,4})\s*[/.\s-]\s*(\d{1,2})\s*[/.\s-]\s*(\d{1,4})", text)
    if not parts:
        return None
    if len(parts[1]) == 4:
        order = "ymd"
    part = dict(zip(order, parts.groups(), strict=True))
    return _day(int(part["y"]), int(part["m"]), int(part["d"])) if len(part["y"]) in (2, 4) else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        found = date(common_era(year), month, day)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2100 else None


def format_date(day: date, language: str = "th") -> str:
    """A date for people: `16 พ.ค. 2567` in Thai, `16 May 2024` in English.

    >>> format_date(date(2024, 5, 16)), format_date(date(2024, 5, 16), "en")
    ('16 พ.ค. 2567', '16 May 2024')
    """
    if language == "th":
        return f"{day.day} {MONTHS_SHORT[day.month - 1]} {day.year + BUDDHIST_ERA}"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day} {months[day.month - 1]} {day.year}"


def split_prefix(name: str) -> tuple[str | None, str]:
    """Prefix and the rest of a name, also where they are glued together.

    >>> split_prefix("ด.ญ.มะลิ"), split_prefix("มะลิ")
    (('เด็กหญิง', 'มะลิ'), (None, 'มะลิ'))
    """
    name = clean(name)
    for written, prefix in PREFIXES.items():
        if name.startswith(written) and len(name) > len(written):
            return prefix, name[len(written) :].strip()
    return None, name


def search_key(text: str) -> str:
    """What is compared when a person searches a name: no tone marks, no spaces, lower case."""
    return _TONES.sub("", arabic(clean(text))).replace(" ", "").lower()


def sort_key(text: str) -> tuple[str, str]:
    """Key that sorts as a Thai dictionary does: a vowel written before its consonant comes after it, tone marks only
    decide between words that are otherwise equal (Royal Institute order; the code points do the rest).

    >>> sorted(["แดง", "ดำ", "เกม", "ขวัญ", "กา"], key=sort_key)
    ['กา', 'เกม', 'ขวัญ', 'ดำ', 'แดง']
    """
    turned = _LEADING_VOWEL.sub(r"\2\1", clean(text).lower())
    return _TONES.sub("", turned), turned


def is_masked(text: str) -> bool:
    """Whether a number was partly hidden before it was written down: 18199..968591, 1-23xx-xxxxx-xx-3.

    Such a number is nobody's: two children may share what is left of it.
    """
    return bool(_MASKED.search(text))


def citizen_number(text: str) -> str | None:
    """The 13 digits of a citizen id written with or without dashes, spaces, Thai digits or Excel's ="…"; else None."""
    written = arabic(clean(text)).removeprefix("=").strip('"').removesuffix(".0")
    digits = re.sub(r"[\s\-.]", "", written)
    return digits if re.fullmatch("[0-9]{13}", digits) else None


def g_code(text: str) -> str | None:
    """A learner code without citizen id (รหัส G: G and 12 digits), else None."""
    code = re.sub(r"[\s\-]", "", arabic(clean(text))).upper()
    return code if re.fullmatch("G[0-9]{12}", code) else None


def citizen_checksum_holds(number: str) -> bool:
    """Whether the 13th digit fits. A warning, never a reason to refuse: real lists hold mistyped ids.

    The weights are the standard's; python-stdnum also refuses leading digits that are not issued, so numbers with
    the unused leading digit 9 (our invented people) are checked by its checksum alone.
    """
    return bool(pin.calc_check_digit(number) == number[-1])


def mask(number: str) -> str:
    """A citizen id as it may be shown: 1-23xx-xxxxx-xx-3."""
    return f"{number[0]}-{number[1:3]}xx-xxxxx-xx-{number[-1]}" if len(number) == 13 else "x" * len(number)
