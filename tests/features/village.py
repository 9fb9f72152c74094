"""A small register with every family of features in it: three schools, sixteen invented children, two years.

`ROWS` is the whole of it, written down at the end of 2567; what was known earlier is for the features to find.
`as_known_on` leaves only what had been written down before a day: the two must never differ in what was known then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from small_register import SETTINGS, add, listed, page, school_days

from raksa import calendar
from raksa.store import Store

Row = dict[str, Any]
Rows = dict[str, list[Row]]

THUNG_NA, PA_PHAI, DOI_NAM = "99010001", "99010002", "99010003"
MALI, KONG, NUNG, SONG, EK, BAIBUA, TON, FAH, SAI, PLOY = range(11, 21)
LEFT_LAST_YEAR, LEFT_IN_JULY, CAME_BACK, TOLD_LATE, EARLY_BIRD, TWO_LISTS = range(21, 27)
JUNE, NOVEMBER = date(2024, 6, 10), date(2024, 11, 10)
# First day of the year, three weeks in, inside term 1, between terms, first days and inside of term 2, its last day.
DATES = (date(2024, 5, 16), date(2024, 6, 11), date(2024, 8, 19), date(2024, 10, 21), date(2024, 11, 4),
         date(2024, 12, 16), date(2025, 3, 31))  # fmt: skip
HOLIDAYS = (date(2024, 7, 22), date(2024, 7, 29), date(2024, 8, 12), date(2024, 12, 5), date(2024, 12, 10))
ONLY_PA_PHAI = (date(2024, 7, 3), date(2024, 12, 3), date(2024, 12, 4))
FLOOD = tuple(date(2024, 12, day) for day in (2, 3, 4, 6))


def kept(learner: int, year: int, pattern: str, school: str = THUNG_NA, closed: Sequence[date] = HOLIDAYS,
         until: date | None = None, **but: Sequence[date]) -> Row:  # fmt: skip
    """A page on which the pattern is repeated over the school's days; `but` says which mark stands on some days."""
    closed = [day for day in closed if calendar.academic_year(day, SETTINGS) == year]
    open_days = [day for day in school_days(year, 400) if day not in closed and (until is None or day < until)]
    marks = dict(zip(open_days, cycle(pattern), strict=False)) | dict.fromkeys(closed, ".")
    for mark, days in but.items():
        marks |= dict.fromkeys(days, mark)
    return page(learner, year, marks, school_id=school)


def result(learner: int, subject: str, grade: str | None, known_on: date, **more: Any) -> Row:
    """A subject's result of term 1/2567, one credit, its learning area the subject's first letter."""
    held = {"school_id": THUNG_NA, "academic_year": 2567, "term": 1, "part": "final", "credits": 1.0}
    return held | {"learner_id": learner, "subject": subject, "learning_area": subject[0], "grade": grade,
                   "known_on": known_on, **more}  # fmt: skip


def screening(learner: int, day: date, poverty_class: str | None, known_on: date | None = None, **more: Any) -> Row:
    return {"learner_id": learner, "surveyed_on": day, "known_on": known_on or day + timedelta(days=20),
            "poverty_class": poverty_class, **more}  # fmt: skip


def measuring(learner: int, day: date, weight: float | None, height: float | None, known_on: date | None = None) -> Row:
    return {"learner_id": learner, "measured_on": day, "known_on": known_on or day, "weight_kg": weight,
            "height_cm": height}  # fmt: skip


def person(learner: int, known_on: date, sex: str | None, birth_date: date | None) -> Row:
    return {"learner_id": learner, "known_on": known_on, "sex": sex, "birth_date": birth_date}


def grant(learner: int, from_day: date, until: date | None, known_on: date, percent: float | None) -> Row:
    return {"learner_id": learner, "from_day": from_day, "until_day": until, "known_on": known_on,
            "attendance_percent": percent}  # fmt: skip


def left(learner: int, day: date | None, cause: str, known_on: date | None = None, school: str = THUNG_NA) -> Row:
    return {"learner_id": learner, "school_id": school, "left_on": day, "cause": cause, "known_on": known_on or day}


def _lists() -> list[Row]:
    before, pa_phai = date(2023, 6, 10), {"school_id": PA_PHAI, "grade": "ป.1", "room": None}
    m2, m1 = {"grade": "ม.2", "room": "1"}, {"grade": "ม.1", "room": "1"}
    return [
        *(listed(n, before, **m1) for n in (MALI, NUNG, SONG, BAIBUA, LEFT_LAST_YEAR, LEFT_IN_JULY, CAME_BACK, EK)),
        *(listed(n, JUNE, **m2) for n in (MALI, KONG, NUNG, SONG, BAIBUA, LEFT_IN_JULY, CAME_BACK, TOLD_LATE)),
        *(listed(n, NOVEMBER, **m2) for n in (MALI, NUNG, BAIBUA, CAME_BACK)),
        listed(SONG, NOVEMBER, grade="ม.2", room="2"),
        # Repeats ม.1, and has no marks; registered late.
        listed(EK, JUNE, grade="ม.1", room="1", attempts_before=1, entered_on=date(2024, 5, 28)),
        # Two years in a municipal school, one here, and back after the rains.
        listed(KONG, date(2022, 6, 10), school_id=PA_PHAI, grade="ป.6"),
        listed(KONG, before, school_id=PA_PHAI, grade="ป.6"),
        listed(KONG, date(2024, 9, 2), **pa_phai | {"grade": "ม.2"}),
        listed(TON, JUNE, **pa_phai | {"grade": "อ.2"}),
        listed(FAH, JUNE, **pa_phai),
        listed(FAH, NOVEMBER, **pa_phai),
        listed(SAI, JUNE, **pa_phai),
        listed(SAI, NOVEMBER, "floating", **pa_phai),
        # A branch school whose agency nobody stated; twenty years old.
        listed(PLOY, JUNE, school_id=DOI_NAM, grade="ปวช.3", isced_completed=2, credits=18.5),
        listed(PLOY, before, school_id=DOI_NAM, grade="ม.5"),
        # A course that began before the year, listed before it; another begins in November only.
        listed(EARLY_BIRD, date(2024, 5, 2), school_id=DOI_NAM, grade="ปวช.1", academic_year=2567,
               starts_on=date(2024, 5, 1), entered_on=date(2024, 4, 20)),
        listed(EARLY_BIRD, date(2024, 10, 1), school_id=DOI_NAM, grade=None, starts_on=date(2024, 11, 18)),
        # On two lists of one day: the school she left still has her, as one who is not in class.
        listed(TWO_LISTS, JUNE, school_id=PA_PHAI, grade="ม.2", room=None),
        listed(TWO_LISTS, NOVEMBER, school_id=PA_PHAI, grade="ม.2", room=None, status="floating"),
        listed(TWO_LISTS, NOVEMBER, **m2),
    ]  # fmt: skip


def _pages() -> list[Row]:
    both = (*HOLIDAYS, *ONLY_PA_PHAI)
    away = {"A": FLOOD}
    return [
        kept(MALI, 2566, "PPPPPPPPPS"),
        kept(NUNG, 2566, "PPPPPPAPPL"),
        kept(SONG, 2566, "PPA"),
        kept(BAIBUA, 2566, "-", until=date(2023, 9, 1)),
        kept(LEFT_LAST_YEAR, 2566, "PAA", until=date(2023, 12, 1)),
        kept(FAH, 2566, "PPPPPPPV", PA_PHAI),
        kept(MALI, 2567, "PPPPPPPPPPPPPPPPPPPPS", **away),
        kept(NUNG, 2567, "PTPPA", **away),
        kept(SONG, 2567, "PPTPPPPPPPLPPAAAPPPAAAAAAP", **away),
        kept(KONG, 2567, "PPPAP", until=date(2024, 8, 16)),
        _after(KONG, date(2024, 9, 2), "PPPPPPPPPA", PA_PHAI, both),
        kept(BAIBUA, 2567, "PPP-PPPAA--PP", S=FLOOD),
        kept(TON, 2567, "PPPPS", PA_PHAI, both),
        kept(FAH, 2567, "PPPPPPPPPPP", PA_PHAI, both, T=(date(2024, 12, 7),)),  # came on a Saturday
        kept(SAI, 2567, "PAPAA", PA_PHAI, both, until=date(2024, 9, 30)),
        kept(PLOY, 2567, "PPPPPT", DOI_NAM),
        kept(LEFT_IN_JULY, 2567, "A", until=date(2024, 7, 1)),
        kept(CAME_BACK, 2567, "PPA", **away),
        kept(TOLD_LATE, 2567, "PPAAA", until=date(2024, 8, 2)),
        kept(TWO_LISTS, 2567, "PPPPPA", PA_PHAI, both, until=date(2024, 10, 1)),
        _after(TWO_LISTS, NOVEMBER, "PPPPT", THUNG_NA, HOLIDAYS),
    ]


def _after(learner: int, day: date, pattern: str, school: str, closed: Sequence[date]) -> Row:
    """The page of a school that saw the learner from a day on."""
    days = [d for d in school_days(2567, 400) if d not in closed]
    marks = dict(zip([d for d in days if d >= day], cycle(pattern), strict=False))
    return page(learner, 2567, marks | dict.fromkeys(closed, "."), school_id=school)


def _results() -> list[Row]:
    october, april = date(2024, 10, 24), date(2024, 4, 14)
    last_year = {"academic_year": 2566, "term": 2}
    piece = {"part": "ใบงาน 1", "credits": 0.5}
    return [
        result(MALI, "ค21101", "4", april, **last_year, credits=3.0),
        result(MALI, "ท21101", "3.5", april, **last_year),
        result(MALI, "ค22101", None, date(2024, 8, 9), part="midterm", percent=72.0, credits=None),
        result(MALI, "ค22101", "2", october, attended_percent=92.0),
        result(MALI, "ท22101", None, october, percent=81.0, credits=1.5, attended_percent=96.5),
        result(MALI, "ก22901", "ผ", october, credits=0.0),
        # Nueng clears a 0 and a ร, one of them at the second try; a มส with a mark beside it stands.
        result(NUNG, "ค22101", None, date(2024, 8, 9), part="midterm", percent=38.0),
        result(NUNG, "ท22101", None, date(2024, 8, 9), part="midterm", percent=41.0),
        result(NUNG, "ค22101", "0", october, attended_percent=83.0),
        result(NUNG, "ค22101", "0", date(2024, 11, 20)),
        result(NUNG, "ค22101", "1", date(2024, 12, 20)),
        result(NUNG, "ท22101", "ร", october, credits=1.5),
        result(NUNG, "ท22101", "2.5", date(2024, 11, 29), credits=1.5),
        result(NUNG, "ว22101", "มส", october, percent=45.0, attended_percent=71.0),
        result(NUNG, "ค21101", "1", april, **last_year),
        result(SONG, "ค22101", "1.5", october),
        result(SONG, "ท22101", "3", october, learning_area=None),
        result(BAIBUA, "ค22101", "ร", october),
        result(BAIBUA, "ท22101", "มส", october, attended_percent=64.0),
        # Handed in late, early, on the day; one piece is due in the week to come; one nobody has marked yet.
        result(SONG, "ค22101", None, date(2024, 7, 1), **piece, percent=60.0, days_late=3.0),
        result(SONG, "ค22101", None, date(2024, 8, 14), **piece | {"part": "2"}, percent=70.0, days_late=-7.0),
        result(SONG, "ค22101", None, date(2024, 8, 15), **piece | {"part": "3"}, days_late=0.0),
        result(SONG, "ค22101", None, date(2024, 8, 15), **piece | {"part": "4"}, days_late=-4.0),  # due on the 19th
        result(NUNG, "ค22101", None, date(2024, 8, 13), **piece, percent=40.0, days_late=1.0),
        result(KONG, "ค22101", "2", october, school_id=PA_PHAI),
        # The same subject of the same term marked in both schools is one piece of work.
        result(KONG, "ค22101", "0", date(2024, 10, 15)),
        result(FAH, "ท11101", "4", date(2025, 4, 14), term=0, school_id=PA_PHAI),
        result(PLOY, "20000-1101", "3", october, school_id=DOI_NAM, term=None, learning_area=None, credits=None),
        # Four years old by now: outside what is read.
        result(PLOY, "ค31101", "0", date(2021, 10, 24), academic_year=2564),
        result(LEFT_LAST_YEAR, "ค21101", "0", date(2023, 10, 24), academic_year=2566),
    ]  # fmt: skip


ROWS: Rows = {
    "school": [
        {"school_id": THUNG_NA, "name": "โรงเรียนบ้านทุ่งนา", "area_id": "991", "agency": "สพฐ."},
        {"school_id": PA_PHAI, "name": "โรงเรียนเทศบาลวัดป่าไผ่", "area_id": "992", "agency": "อปท."},
        {"school_id": DOI_NAM, "name": "โรงเรียนบ้านดอยน้ำซับ", "area_id": "991", "main_school_id": THUNG_NA},
    ],
    "holiday": [{"school_id": PA_PHAI, "day": day, "name": "หยุดพิเศษ"} for day in ONLY_PA_PHAI],
    "enrolment": _lists(),
    "roll": _pages(),
    "result": _results(),
    "exit": [
        left(KONG, date(2024, 8, 15), "moved_school"),
        left(LEFT_LAST_YEAR, date(2023, 12, 1), "withdrew", known_on=date(2024, 7, 5)),
        left(LEFT_IN_JULY, date(2024, 7, 1), "not_found"),
        left(CAME_BACK, date(2024, 7, 15), "withdrew"),
        left(TOLD_LATE, date(2024, 8, 2), "withdrew", known_on=date(2024, 12, 20)),
        # The old school writes off, weeks later, a child who sits in the new one.
        left(TWO_LISTS, date(2024, 11, 25), "moved_school", school=PA_PHAI),
        # Nobody whom Thung Na listed last year; and one who left on a day nobody wrote down.
        left(FAH, date(2023, 8, 1), "withdrew"),
        left(PLOY, None, "unknown", known_on=date(2025, 3, 10), school=DOI_NAM),
    ],
    "learner": [
        person(MALI, JUNE, "female", date(2010, 9, 1)),
        person(NUNG, JUNE, "male", date(2011, 1, 20)),
        person(SONG, JUNE, "male", date(2011, 1, 20)),
        person(EK, JUNE, "male", date(2009, 5, 20)),
        person(KONG, date(2023, 6, 10), "male", date(2010, 7, 7)),
        person(KONG, date(2024, 9, 2), "male", date(2010, 7, 9)),
        person(TON, JUNE, None, date(2019, 12, 1)),
        person(FAH, JUNE, "female", date(2018, 4, 2)),
        person(FAH, NOVEMBER, "female", None),
        person(PLOY, JUNE, "female", date(2004, 2, 1)),
        person(SAI, JUNE, "male", None),
    ],
    "household": [
        screening(MALI, date(2022, 6, 1), "not_poor", income_per_head=5200.0, distance_km=2.5, housing_lacks=0),
        screening(MALI, date(2024, 7, 1), "poor", income_per_head=2400.0, lives_with="one_parent", dependants=2),
        screening(NUNG, JUNE, "extremely_poor", lives_with="relatives", housing_lacks=5, belongings=1, dependants=3),
        screening(SONG, JUNE, "extremely_poor", lives_with="relatives", housing_lacks=5, belongings=1, dependants=3),
        screening(KONG, JUNE, None, wealth_percentile=35.0, travel_minutes=50.0),
        screening(EK, JUNE, "poor", known_on=date(2024, 12, 20), lives_with="alone"),
        screening(FAH, date(2024, 11, 1), "not_poor", lives_with="institution", belongings=6),
    ],
    "grant": [
        grant(NUNG, JUNE, None, date(2024, 7, 20), 85.0),
        grant(NUNG, date(2024, 8, 1), date(2024, 8, 31), date(2024, 8, 1), None),
        grant(SONG, date(2023, 6, 10), date(2024, 3, 31), date(2023, 7, 20), 80.0),
        grant(MALI, date(2024, 7, 1), date(2024, 12, 16), date(2024, 7, 20), 80.0),
        grant(EK, JUNE, None, JUNE, 80.0),
    ],
    "growth": [
        measuring(FAH, date(2023, 6, 10), 18.5, 110.0),
        measuring(FAH, JUNE, 20.0, 116.0),
        measuring(FAH, date(2024, 7, 10), 20.2, 116.4),
        measuring(MALI, date(2021, 6, 10), 30.0, 135.0),
        measuring(MALI, date(2023, 11, 10), 40.0, 150.5),
        measuring(MALI, JUNE, 43.0, 153.0, known_on=date(2024, 7, 1)),
        measuring(MALI, NOVEMBER, None, 155.0),
        measuring(NUNG, JUNE, 5.0, 150.0),  # a slip of the pen
        measuring(TON, JUNE, 15.0, 101.0),  # a boy or a girl? nobody wrote it down
        measuring(EK, JUNE, 70.0, 165.0),
        measuring(PLOY, JUNE, 52.0, 158.0),
    ],
}  # fmt: skip

# The day from which each row of a table was known, besides pages, which are known day by day.
_KNOWN = {"enrolment": "listed_on", "school": None, "holiday": None}


def as_known_on(rows: Mapping[str, list[Row]], day: date) -> Rows:
    """The same register as it stood on the morning of a day: nothing that became known on it or later."""
    out = {}
    for name, held in rows.items():
        column = _KNOWN.get(name, "known_on")
        out[name] = [row for row in held if column is None or row[column] < day] if name != "roll" else []
    for row in rows["roll"]:
        start = calendar.first_day(row["academic_year"], SETTINGS)
        written = max((day - start).days, 0)
        if row["marks"][:written].strip("-."):
            blank = bytes(calendar.blank_page(row["academic_year"], SETTINGS)).decode()
            out["roll"].append({**row, "marks": row["marks"][:written] + blank[written:]})
    return out


def village(home: Path, rows: Mapping[str, list[Row]] = ROWS, buckets: int = SETTINGS.buckets) -> Store:
    """A store with the rows."""
    store = Store.create(home, buckets, "village")
    add(store, "village", **rows)
    return store
