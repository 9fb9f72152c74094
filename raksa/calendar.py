"""Academic years, roll-page positions, terms and census days.

An academic year carries its Buddhist-era number: 2567 runs from 16 May 2024. All dates in code are CE `datetime.date`;
the Buddhist era appears only in year numbers and in what people read.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np

from raksa.settings import Settings
from raksa.tables import NO_SCHOOL, NOT_RECORDED, PAGE_DAYS

BUDDHIST_ERA = 543
BANGKOK = timezone(timedelta(hours=7), "Asia/Bangkok")  # one zone for the country, and no summer time


def today_in_bangkok(now: datetime) -> date:
    """The day it is in Thailand at a moment with a time zone.

    >>> from datetime import UTC
    >>> today_in_bangkok(datetime(2026, 6, 7, 18, 0, tzinfo=UTC))
    datetime.date(2026, 6, 8)
    """
    return now.astimezone(BANGKOK).date()


def _on(year: int, month_day: str) -> date:
    month, day = month_day.split("-")
    return date(year, int(month), int(day))


def first_day(academic_year: int, settings: Settings) -> date:
    """First calendar day of the academic year; position 0 of its roll pages.

    >>> first_day(2567, Settings())
    datetime.date(2024, 5, 16)
    """
    return _on(academic_year - BUDDHIST_ERA, settings.year_start)


def academic_year(day: date, settings: Settings) -> int:
    """The academic year a day belongs to, Buddhist era.

    >>> academic_year(date(2025, 3, 31), Settings())
    2567
    """
    year = day.year + BUDDHIST_ERA
    return year if day >= first_day(year, settings) else year - 1


def position(day: date, settings: Settings) -> int:
    """Place of a day on the roll page of its academic year, 0 = the year's first day."""
    return (day - first_day(academic_year(day, settings), settings)).days


def term_days(academic_year: int, number: int, settings: Settings) -> tuple[date, date]:
    """First and last day of a term. Raises KeyError if the settings have no such term."""
    for term in settings.terms:
        if term.number == number:
            start = first_day(academic_year, settings)
            first, last = _on(start.year, term.first_day), _on(start.year, term.last_day)
            first = first if first >= start else _on(start.year + 1, term.first_day)
            last = last if last >= first else _on(first.year + 1, term.last_day)
            return first, last
    raise KeyError(f"no term {number} in the settings")


def results_known(academic_year: int, number: int, settings: Settings) -> date:
    """Day from which a term's results are taken as known when the file does not say: some days after its end.
    Number 0 means the whole year and counts from the last term's end."""
    number = number or settings.terms[-1].number
    return term_days(academic_year, number, settings)[1] + timedelta(days=settings.results_known_days)


def next_census(day: date, settings: Settings, month_day: str | None = None) -> date:
    """First census day strictly after `day`, of any kind or of the one named.

    >>> next_census(date(2024, 9, 2), Settings()), next_census(date(2024, 9, 2), Settings(), "06-10")
    (datetime.date(2024, 11, 10), datetime.date(2025, 6, 10))
    """
    days = [month_day] if month_day else list(settings.census_days)
    return min(d for year in (day.year, day.year + 1) for md in days if (d := _on(year, md)) > day)


def census_day(academic_year: int, number: int, settings: Settings) -> date:
    """Day on which a term's lists are certified: the first census day of the term, or the last before it.

    >>> census_day(2567, 1, Settings()), census_day(2567, 2, Settings())
    (datetime.date(2024, 6, 10), datetime.date(2024, 11, 10))
    """
    number = number if number in {t.number for t in settings.terms} else settings.terms[-1].number
    first, last = term_days(academic_year, number, settings)
    day = next_census(first - timedelta(days=1), settings)
    return day if day <= last else first


def blank_page(academic_year: int, settings: Settings, closed: set[date] | frozenset[date] = frozenset()) -> np.ndarray:
    """A page of the year with nothing recorded: '-' on school days, '.' on others, as (PAGE_DAYS,) uint8.

    `closed` are the holidays of the school.
    """
    page = np.full(PAGE_DAYS, ord(NO_SCHOOL), np.uint8)
    start = first_day(academic_year, settings)
    for term in settings.terms:
        first, last = term_days(academic_year, term.number, settings)
        for offset in range((first - start).days, min((last - start).days + 1, PAGE_DAYS)):
            day = start + timedelta(days=offset)
            if day.weekday() in settings.school_weekdays and day not in closed:
                page[offset] = ord(NOT_RECORDED)
    return page


def monday_before(day: date) -> date:
    """The Monday on or before a day: the natural as-of date."""
    return day - timedelta(days=day.weekday())
