"""When a family can be visited, as it said so: hours of the day, weekdays it cannot, and whether it goes first.

hers = Hours(earliest=time(16), not_on=(5,))
in_words(hers, "en")                        # from 16.00 · not on Saturday
read_hours("16.00-18.00"), read_days("ส อา")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from raksa.thai import arabic, clean

# Monday first, as date.weekday() counts: Thai, its short forms, English.
WEEKDAYS = (
    ("จันทร์", ("จ",), "Monday"), ("อังคาร", ("อ",), "Tuesday"), ("พุธ", ("พ",), "Wednesday"),
    ("พฤหัสบดี", ("พฤ", "พฤหัส"), "Thursday"), ("ศุกร์", ("ศ",), "Friday"), ("เสาร์", ("ส",), "Saturday"),
    ("อาทิตย์", ("อา",), "Sunday"),
)  # fmt: skip
_TIME = re.compile(r"(\d{1,2})(?:[.:](\d{1,2}))?(?::\d{2})?")
_UNTIL = re.compile(r"ก่อน|ถึง|ไม่เกิน|before|until|^[-–]", re.IGNORECASE)
_DAY_ENDS = time(23, 59)


@dataclass(frozen=True)
class Hours:
    """What a family asked. The whole visit lies between `earliest` and `latest`; None = no limit. `not_on` are
    weekdays, 0 = Monday. `first`: the school wants it visited before the others."""

    earliest: time | None = None
    latest: time | None = None
    not_on: tuple[int, ...] = ()
    first: bool = False

    @classmethod
    def of(cls, window: tuple[time, time] | None, not_on: tuple[int, ...], first: bool) -> Hours:
        """From what a home of a plan holds."""
        opens, closes = window or (time(0), _DAY_ENDS)
        return cls(None if opens == time(0) else opens, None if closes == _DAY_ENDS else closes, not_on, first)

    @property
    def window(self) -> tuple[time, time] | None:
        """As `care.planner.Home` has it."""
        if self.earliest is None and self.latest is None:
            return None
        return self.earliest or time(0), self.latest or _DAY_ENDS


def in_words(hours: Hours, language: str) -> str:
    """What is asked, on one line; "" where nothing is."""
    return " · ".join(
        filter(None, (_asked(hours, language), _never_on(hours, language), first_in_words(hours, language)))
    )


def first_in_words(hours: Hours, language: str) -> str:
    return ("ไปก่อนบ้านอื่น" if language == "th" else "goes first") if hours.first else ""


def hours_in_words(hours: Hours) -> str:
    """The hours alone, as `read_hours` reads them: 16.00–18.00, 16.00–, –15.00; "" for any time."""
    if hours.window is None:
        return ""
    return "–".join("" if at is None else f"{at:%H.%M}" for at in (hours.earliest, hours.latest))


def days_in_words(hours: Hours, language: str) -> str:
    """The weekdays alone, as `read_days` reads them."""
    names = [WEEKDAYS[day][0] if language == "th" else WEEKDAYS[day][2] for day in hours.not_on]
    return (" " if language == "th" else ", ").join(names)


def _asked(hours: Hours, language: str) -> str:
    said = hours_in_words(hours)
    if language == "th":
        how = "ตั้งแต่ " if hours.latest is None else "ถึง " if hours.earliest is None else "เวลา "
        return f"สะดวก{how}{said.strip('–')} น." if said else ""
    how = "from " if hours.latest is None else "until " if hours.earliest is None else "at "
    return f"{how}{said.strip('–')}" if said else ""


def _never_on(hours: Hours, language: str) -> str:
    said = days_in_words(hours, language)
    return (f"ไม่สะดวกวัน{said}" if language == "th" else f"not on {said}") if said else ""


def read_hours(text: str) -> tuple[time | None, time | None] | None:
    """From and until, as people write them in a cell; None if it cannot be understood.

    >>> read_hours("หลัง ๑๖.๓๐ น."), read_hours("16-18 น."), read_hours("ก่อน 15.00"), read_hours("เย็น")
    ((datetime.time(16, 30), None), (datetime.time(16, 0), datetime.time(18, 0)), (None, datetime.time(15, 0)), None)
    """
    said = arabic(clean(text))
    # A spreadsheet takes 16.30 for a number and leaves 16.3 of it.
    found = [(int(hour), int((minute or "0").ljust(2, "0"))) for hour, minute in _TIME.findall(said)]
    if not 1 <= len(found) <= 2 or any(hour > 23 or minute > 59 for hour, minute in found):
        return None
    times = [time(*each) for each in found]
    if len(times) == 2:
        return (times[0], times[1]) if times[0] < times[1] else None
    return (None, times[0]) if _UNTIL.search(said) else (times[0], None)


def read_days(text: str) -> tuple[int, ...] | None:
    """Weekdays, as people write them in a cell; None if a word is none.

    >>> read_days("เสาร์ อาทิตย์"), read_days("วันพฤหัส"), read_days("Sat, sunday"), read_days("วันหยุด")
    ((5, 6), (3,), (5, 6), None)
    """
    words = [word.removeprefix("วัน").strip(".") for word in re.split(r"[\s,/·]+|และ|\band\b", clean(text).casefold())]
    days = [_weekday(word) for word in words if word]
    return None if None in days else tuple(sorted({day for day in days if day is not None}))


def _weekday(word: str) -> int | None:
    for number, (thai, short, english) in enumerate(WEEKDAYS):
        if word in (thai, *short) or (len(word) > 1 and english.casefold().startswith(word)):
            return number
    return None


def as_json(hours: Hours) -> dict[str, Any]:
    ends = {name: f"{at:%H:%M}" if at else None for name, at in vars(hours).items() if name in ("earliest", "latest")}
    return vars(hours) | ends


def from_json(said: Mapping[str, Any]) -> Hours:
    """What `as_json` made. Raises ValueError, KeyError or TypeError for anything else."""
    ends = {name: time.fromisoformat(said[name]) if said[name] else None for name in ("earliest", "latest")}
    days = tuple(day for day in said["not_on"] if day in range(7))
    return Hours(**ends, not_on=days, first=bool(said["first"]))
