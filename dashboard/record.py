"""The record of one child (สมุดพก): what the register, the runs, the contacts and the audit log hold of her.

Everything her page, her papers and `raksa show` tell comes from `record`, which asks raksa.access first. The register
is read as it stands now, so a mark imported this morning is there before the next run. Marks and results of another
school belong to the child: a move resets nothing.

    found, decision = record(run, store, settings, somsri, mali, people)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.compute as pc
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from care.contacts import Contact, Place, of_child
from dashboard.casework import STEPS
from dashboard.language import N_, speak
from dashboard.roster import Child, Reason, Run, Unscored, child, discreet, why_not
from features.attendance import LINE, one_page_each
from features.growth import z_score
from raksa import calendar
from raksa.access import Decision, Person
from raksa.accounts import PersonRow
from raksa.audit import entries
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import (
    ABSENT,
    ACTIVITY,
    LATE,
    LEAVE,
    NO_SCHOOL,
    NOT_RECORDED,
    OPEN_GRADES,
    PAGE_DAYS,
    PRESENT,
    SICK,
)
from raksa.thai import format_date
from register.transfer import BROUGHT

AWAY = frozenset({ABSENT, SICK, LEAVE})
_SAYS_NOTHING = frozenset({NOT_RECORDED, NO_SCHOOL})
YEARS = 12  # ป.1 to ม.6: no record is longer
RUNS = 26  # half a year of Mondays
WEEKS = 40
RECENT = 20  # recorded days: four weeks of school
RECORDED_ENOUGH = 0.9  # with more days unrecorded than this leaves, those left to the 80 % line are not known
_DAYS_OF_A_MONTH = 30.4375
# Poverty is known to plan aid; a class teacher knows where the child lives and with whom (no labels in class).
_SEES_POVERTY = frozenset({"school", "area"})
# Mark -> its name, and the letter of the roll book in Thai and in English.
MARK_WORDS = {
    PRESENT: (N_("present"), "/", "/"),
    LATE: (N_("late"), "ส", "T"),
    SICK: (N_("sick leave"), "ป", "S"),
    LEAVE: (N_("personal leave"), "ล", "L"),
    ABSENT: (N_("absent without leave"), "ข", "A"),
    ACTIVITY: (N_("school activity"), "ก", "V"),
    NOT_RECORDED: (N_("not recorded"), "–", "–"),
}
LIVES_WITH = {
    "both_parents": N_("both parents"),
    "one_parent": N_("one parent"),
    "relatives": N_("relatives"),
    "other_household": N_("another household"),
    "institution": N_("a home or dormitory"),
    "alone": N_("alone"),
}
POVERTY = {
    "not_poor": N_("screened: not poor"),
    "poor": N_("screened: poor"),
    "extremely_poor": N_("screened: extremely poor"),
}
KINDS = {
    "visit": N_("Home visit"),
    "call": N_("Telephone call"),
    "at_school": N_("Talk at school"),
    "letter": N_("Letter"),
    "note": N_("Note"),
}
LEARNING_AREAS = {
    "ท": N_("Thai language"),
    "ค": N_("Mathematics"),
    "ว": N_("Science and technology"),
    "ส": N_("Social studies, religion and culture"),
    "พ": N_("Health and physical education"),
    "ศ": N_("Arts"),
    "ง": N_("Occupations"),
    "อ": N_("Foreign languages"),
}


@dataclass(frozen=True)
class Sentence:
    """One sentence in both languages."""

    th: str
    en: str


@dataclass(frozen=True)
class Year:
    """Attendance of one academic year, all schools of the child together.

    `marks` are the school days so far with their mark (raksa.tables.MARKS, no "no school"), `pages` those recorded as
    each school has them. `recorded` counts days with a mark that says something, `away` those absent, sick or on
    leave; `share` is attended of the recorded, None without any. `in_row` is the run of days away up to the last
    recorded day, `longest` the longest of the year with its first and last day. `days_to_line`: how many days of the
    whole school year the child may still be away before the 80 % line, negative = beyond it; None for a year that is
    over or of which more than a tenth so far is unrecorded.
    """

    year: int
    schools: tuple[str, ...]
    marks: dict[date, str] = field(repr=False)
    pages: dict[str, dict[date, str]] = field(repr=False)
    totals: dict[str, int]
    recorded: int
    away: int
    share: float | None
    in_row: int
    longest: int
    longest_from: date | None
    longest_to: date | None
    days_to_line: int | None


@dataclass(frozen=True)
class Week:
    """School days of one week, from its Monday: how many are recorded, and on how many the child was away."""

    monday: date
    recorded: int
    away: int


@dataclass(frozen=True)
class Subject:
    """The result of one subject as it is known last. `percent` and `attended_percent` in percent, None = not known.

    `open_since` is the day from which an open 0, ร or มส has been known, None where it is none; `put_right` says that
    one was open and is no longer. `midterm` is the percentage of the term's middle.
    """

    year: int
    term: int
    school_id: str
    subject: str
    area: str | None
    credits: float | None
    grade: str | None
    percent: float | None
    midterm: float | None
    attended_percent: float | None
    known_on: date
    open_since: date | None
    put_right: bool

    @property
    def point(self) -> float | None:
        """The grade 0 to 4; None for ร, มส, ผ, มผ and where it is not known."""
        return float(self.grade) if self.grade and self.grade[0].isdigit() else None


@dataclass(frozen=True)
class Term:
    """A term's results. `average` weighs grades by credits, over the `known` subjects that have a grade 0 to 4."""

    year: int
    term: int
    subjects: tuple[Subject, ...]
    average: float | None
    known: int


@dataclass(frozen=True)
class Measuring:
    """One weighing and measuring; z-scores of the WHO reference 2007 for age and sex, None outside it or not known."""

    on: date
    weight_kg: float | None
    height_cm: float | None
    height_for_age: float | None
    bmi_for_age: float | None


@dataclass(frozen=True)
class Grant:
    """A grant, from and until when; `attendance_percent` is the share of school days it asks for."""

    kind: str | None
    from_day: date
    until_day: date | None
    attendance_percent: float | None


@dataclass(frozen=True)
class Home:
    """The last screening. Poverty and grants are None and empty for who does not plan aid (`sees_poverty`)."""

    surveyed_on: date | None
    lives_with: str | None
    distance_km: float | None
    travel_minutes: float | None
    poverty_class: str | None = None
    income_per_head: float | None = None
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class Stay:
    """A class the child was on the list of: first and last day of such a list, and the last day at the school, if an
    exit names one. `brought`: known from the record she came with, not from that school's lists."""

    year: int
    school_id: str
    school: str | None
    grade: str | None
    room: str | None
    first: date
    last: date
    status: str
    left_on: date | None
    brought: bool = False


@dataclass(frozen=True)
class Brought:
    """Something done for the child at a school before, as the record she came with says it; `kind` is a contact's or a
    case step's."""

    on: date
    kind: str
    said: str
    by_name: str
    school_id: str
    school: str


@dataclass(frozen=True)
class Listing:
    """What one run said of the child: on the list or not, and why; `scored` is False where it could say nothing."""

    as_of: date
    listed: bool
    scored: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Look:
    """Somebody opened or printed the record, or was refused; `reason` is the decision of raksa.access."""

    at: datetime
    name: str
    what: str
    reason: str


@dataclass(frozen=True)
class Looks:
    """Who has looked, of the latest 200 lines of the log: how often and the latest; all of them, refusals too, only for
    those who answer for the school. Those who look after a class do not read who they all were."""

    count: int
    latest: Look | None
    all: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Record:
    """Everything known of one child, as far as the person who asked may see it."""

    child: Child
    place: Place
    sex: str | None
    birth_date: date | None
    unscored: Unscored | None
    strengths: tuple[Sentence, ...]
    now: Year | None
    before: tuple[Year, ...]
    weeks: tuple[Week, ...]
    terms: tuple[Term, ...]
    growth: tuple[Measuring, ...]
    home: Home | None
    stays: tuple[Stay, ...]
    listings: tuple[Listing, ...]
    contacts: tuple[Contact, ...]
    looks: Looks
    brought: tuple[Brought, ...] = ()


def sees_poverty(person: Person | None) -> bool:
    """Whether income, poverty class and grants may be shown to this person."""
    return person is None or (person.active and person.role in _SEES_POVERTY)


def record(
    run: Run, store: Store, settings: Settings, person: Person | None, learner_id: int, people: Engine
) -> tuple[Record | None, Decision]:
    """The record of a child of the run, and why the person may see it.

    None if there is no such child or it is refused; the two look alike from outside, the decision (for the log) tells
    them apart. Nothing of the register is read before the answer is yes.
    """
    one, decision = child(run, person, learner_id)
    if one is None:
        return None, decision
    place = Place(learner_id, one.school_id, one.area_id, one.grade, one.room)
    held = _Held(store, learner_id, calendar.academic_year(run.as_of, settings))
    school = {row["school_id"]: row["name"] for row in store.read("school", years=[0]).to_pylist()}
    sex, born = _who(held)
    years = _years(held, settings, run.as_of, school)
    now = next((year for year in years if year.year == held.year), None)
    terms = _terms(held)
    listings = _listings(store.home / "runs", person, learner_id, run.as_of)
    return Record(
        child=one,
        place=place,
        sex=sex,
        birth_date=born,
        unscored=why_not(run, one) if one.cannot_score else None,
        strengths=_strengths(now, terms),
        now=now,
        before=tuple(year for year in years if year is not now),
        weeks=_weeks(years),
        terms=terms,
        growth=_growth(held, sex, born),
        home=_home(held, sees_poverty(person)),
        stays=_stays(held, school),
        listings=listings,
        contacts=tuple(of_child(people, person, place)),
        looks=_looks(people, learner_id, whole=sees_poverty(person)),
        brought=_brought(held, school),
    ), decision


def plain(found: object) -> Any:
    """A record as JSON can write it: dictionaries, lists, texts and numbers, days in ISO 8601; without the learner's
    number, which never leaves the store."""
    if is_dataclass(found) and not isinstance(found, type):
        held = {f.name: getattr(found, f.name) for f in fields(found)}
        return {name: plain(value) for name, value in held.items() if name != "learner_id"}
    if isinstance(found, dict):
        return {str(key): plain(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [plain(value) for value in found]
    return found.isoformat() if isinstance(found, date) else found


class _Held:
    """Rows of the register about one learner. Her tables lie in one bucket each year: nothing else is opened."""

    def __init__(self, store: Store, learner_id: int, year: int) -> None:
        self.store, self.learner_id, self.year = store, learner_id, year
        self.bucket = learner_id % store.identity.buckets

    def table(self, name: str, *, by_year: bool = False) -> Any:
        years = range(self.year - YEARS, self.year + 1) if by_year else [0]
        table = self.store.read(name, years=years, bucket=self.bucket)
        return table.filter(pc.equal(table["learner_id"], self.learner_id))

    def rows(self, name: str, *, by_year: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.table(name, by_year=by_year).to_pylist()
        return found


def _who(held: _Held) -> tuple[str | None, date | None]:
    """Sex and birth date as the last list that states them."""
    sex, born = None, None
    for row in sorted(held.rows("learner"), key=lambda row: row["known_on"]):
        sex, born = row["sex"] or sex, row["birth_date"] or born
    return sex, born


# -------------------------------------------------------------------------------- attendance
def _years(held: _Held, settings: Settings, as_of: date, school: dict[str, str]) -> tuple[Year, ...]:
    """Attendance of each year with a page, newest first."""
    roll = held.table("roll", by_year=True)
    found = []
    for year in sorted(set(roll["academic_year"].to_pylist()), reverse=True):
        mine = roll.filter(pc.equal(roll["academic_year"], year))
        first = calendar.first_day(year, settings)
        pages = {
            school_id: {first + timedelta(n): mark for n, mark in enumerate(marks) if mark not in _SAYS_NOTHING}
            for school_id, marks in zip(mine["school_id"].to_pylist(), mine["marks"].to_pylist(), strict=True)
        }
        page = [chr(mark) for mark in one_page_each(mine)[1][0]]
        # The year so far: up to the run's day, or the last mark where marks have come since.
        recorded = [n for n, mark in enumerate(page) if mark not in _SAYS_NOTHING]
        running = year == held.year
        stop = max(calendar.position(as_of, settings), recorded[-1] + 1 if recorded else 0) if running else PAGE_DAYS
        said = {school_id: days for school_id, days in pages.items() if days}
        found.append(_year(page, year, stop, said, school, settings, running=running))
    return tuple(found)


def _year(
    page: list[str],
    year: int,
    stop: int,
    pages: dict[str, dict[date, str]],
    school: dict[str, str],
    settings: Settings,
    *,
    running: bool,
) -> Year:
    first = calendar.first_day(year, settings)
    marks = {first + timedelta(n): mark for n, mark in enumerate(page[:stop]) if mark != NO_SCHOOL}
    recorded = {day: mark for day, mark in marks.items() if mark != NOT_RECORDED}
    away = sum(mark in AWAY for mark in recorded.values())
    runs = _runs(recorded)
    worst = max(runs, key=len, default=[])
    last = max(recorded, default=None)
    planned = len(marks) + int((calendar.blank_page(year, settings)[stop:] != ord(NO_SCHOOL)).sum())
    return Year(
        year=year,
        schools=tuple(school.get(school_id) or school_id for school_id in pages),
        marks=marks,
        pages=pages,
        totals=dict(Counter(marks.values())),
        recorded=len(recorded),
        away=away,
        share=1 - away / len(recorded) if recorded else None,
        in_row=len(runs[-1]) if runs and runs[-1][-1] == last else 0,
        longest=len(worst),
        longest_from=worst[0] if worst else None,
        longest_to=worst[-1] if worst else None,
        days_to_line=int(np.floor((1 - LINE) * planned + 1e-9)) - away if running and _told(marks) else None,
    )


def _told(marks: dict[date, str]) -> bool:
    """Whether so many of the days are recorded that those left can be counted: an unrecorded day may be one missed."""
    recorded = sum(mark != NOT_RECORDED for mark in marks.values())
    return bool(marks) and recorded >= RECORDED_ENOUGH * len(marks) - 1e-9


def line_said(left: int | None, language: str) -> str:
    """How far a learner is from the 80 % line of this year's school days, in a sentence; None = too much is unrecorded.

    The share attended is of the days so far, this is of the whole year: both together must not contradict each other.
    """
    say = speak(language)
    if left is None:
        return say(N_("How many more days may be missed before the 80% line is not known: too many are not recorded."))
    if left < 0:
        return say(N_("Of the whole year, days missed beyond the 80% line: {n}."), n=-left)
    return say(N_("Of the whole year, if every other day is attended, days left before the 80% line: {n}."), n=left)


def _runs(recorded: dict[date, str]) -> list[list[date]]:
    """Days away in a row, oldest run first; a day nobody recorded neither lengthens a run nor ends it."""
    runs: list[list[date]] = []
    open_run = False
    for day, mark in recorded.items():
        if mark not in AWAY:
            open_run = False
        elif open_run:
            runs[-1].append(day)
        else:
            runs.append([day])
            open_run = True
    return runs


def months(year: Year, settings: Settings) -> list[tuple[date, list[list[tuple[date, str | None] | None]]]]:
    """The calendar of a year: each month with a school day so far, by its first day, as weeks of cells from Monday on.

    A cell is a day with its mark, None for a mark where there is no school; None for a day of another month, before
    the first school day or after the last known one. Days of the week on which nobody goes to school are left out.
    """
    if not year.marks:
        return []
    known_from, known_to = min(year.marks), max(year.marks)
    columns = sorted({*settings.school_weekdays, *(day.weekday() for day in year.marks)})
    found = []
    for first in sorted({day.replace(day=1) for day in year.marks}):
        weeks: list[list[tuple[date, str | None] | None]] = []
        monday = calendar.monday_before(first)
        while monday < first + timedelta(31) and (monday <= first or monday.month == first.month):
            days = [monday + timedelta(n) for n in columns]
            shown = [day.month == first.month and known_from <= day <= known_to for day in days]
            row = [(day, year.marks.get(day)) if there else None for day, there in zip(days, shown, strict=True)]
            if any(row):
                weeks.append(row)
            monday += timedelta(7)
        found.append((first, weeks))
    return found


def _weeks(years: Iterable[Year]) -> tuple[Week, ...]:
    """The newest weeks with a school day, oldest first."""
    by: dict[date, list[str]] = {}
    for year in years:
        for day, mark in year.marks.items():
            by.setdefault(calendar.monday_before(day), []).append(mark)
    newest = sorted(by)[-WEEKS:]
    return tuple(
        Week(monday, sum(m != NOT_RECORDED for m in by[monday]), sum(m in AWAY for m in by[monday]))
        for monday in newest
    )


# -------------------------------------------------------------------------------- results
def _terms(held: _Held) -> tuple[Term, ...]:
    """Results by term, the newest first; within a term by learning area and subject."""
    told: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sorted(held.rows("result", by_year=True), key=lambda row: row["known_on"]):
        key = (row["academic_year"], row["term"], row["school_id"], row["subject"])
        told.setdefault(key, []).append(row)
    by: dict[tuple[int, int], list[Subject]] = {}
    for (year, term, school_id, subject), rows in told.items():
        by.setdefault((year, term or 0), []).append(_subject(year, term or 0, school_id, subject, rows))
    order = {words: place for place, words in enumerate(LEARNING_AREAS.values())}
    terms = []
    for year, term in sorted(by, reverse=True):
        subjects = sorted(by[year, term], key=lambda s: (order.get(_area(s.area) or "", len(order)), s.subject))
        terms.append(_term(year, term, tuple(subjects)))
    return tuple(terms)


def _term(year: int, term: int, subjects: tuple[Subject, ...]) -> Term:
    graded = [(s.point, s.credits or 1.0) for s in subjects if s.point is not None]
    weight = sum(credits for _, credits in graded)
    average = sum(point * credits for point, credits in graded) / weight if weight else None
    return Term(year, term, subjects, average, len(graded))


def _subject(year: int, term: int, school_id: str, subject: str, rows: Sequence[dict[str, Any]]) -> Subject:
    """One subject from its rows in the order in which they became known; empty leaves what was said before."""
    finals = [row for row in rows if row["part"] == "final"]
    middle = [row["percent"] for row in rows if row["part"] == "midterm" and row["percent"] is not None]

    def last(name: str, among: Sequence[dict[str, Any]]) -> Any:
        return next((row[name] for row in reversed(among) if row[name] is not None), None)

    since, was_open = None, False
    for row in finals:
        if row["grade"] in OPEN_GRADES:
            since, was_open = since or row["known_on"], True
        elif row["grade"] is not None:
            since = None
    return Subject(
        year=year,
        term=term,
        school_id=school_id,
        subject=subject,
        area=last("learning_area", rows),
        credits=last("credits", finals),
        grade=last("grade", finals),
        percent=last("percent", finals),
        midterm=middle[-1] if middle else None,
        attended_percent=last("attended_percent", rows),
        known_on=rows[-1]["known_on"],
        open_since=since,
        put_right=was_open and since is None,
    )


# -------------------------------------------------------------------------------- growth, home, schools
def _growth(held: _Held, sex: str | None, born: date | None) -> tuple[Measuring, ...]:
    """Each measuring as told last, newest first."""
    told: dict[date, dict[str, Any]] = {}
    for row in sorted(held.rows("growth"), key=lambda row: row["known_on"] or date.min):
        before = told.get(row["measured_on"], {})
        told[row["measured_on"]] = {k: v if v is not None else before.get(k) for k, v in row.items()}
    found = []
    for day, row in sorted(told.items(), reverse=True):
        weight, height = row["weight_kg"], row["height_cm"]
        tall = mass = None
        if sex and born and height:
            tall = _z("height", sex, born, day, height)
            mass = _z("bmi", sex, born, day, weight / (height / 100) ** 2) if weight else None
        found.append(Measuring(day, _short(weight), _short(height), tall, mass))
    return tuple(found)


def _z(measure: str, sex: str, born: date, day: date, value: float) -> float | None:
    months = (day - born).days / _DAYS_OF_A_MONTH
    code = {"female": 0, "male": 1}[sex]
    found = float(z_score(measure, np.array([code]), np.array([months]), np.array([value]))[0])
    return None if np.isnan(found) else round(found, 2)


def _short(value: float | None) -> float | None:
    """A measure kept in four bytes, as it was written: 31.8, not 31.799999."""
    return None if value is None else round(value, 2)


def _home(held: _Held, whole: bool) -> Home | None:
    """The last screening; a field it leaves empty comes from the last one that says it."""
    rows = sorted(held.rows("household"), key=lambda row: (row["surveyed_on"], row["known_on"] or date.min))
    said: dict[str, Any] = {}
    for row in rows:
        said |= {name: value for name, value in row.items() if value is not None}
    told = {(r["from_day"], r["kind"]): r for r in sorted(held.rows("grant"), key=lambda r: r["known_on"] or date.min)}
    grants = tuple(
        Grant(r["kind"], r["from_day"], r["until_day"], _short(r["attendance_percent"]))
        for _, r in sorted(told.items(), key=lambda item: item[0][0], reverse=True)
    )
    if not said and not (grants and whole):
        return None
    home = Home(
        surveyed_on=said.get("surveyed_on"),
        lives_with=said.get("lives_with"),
        distance_km=_short(said.get("distance_km")),
        travel_minutes=_short(said.get("travel_minutes")),
    )
    if not whole:
        return home
    income = _short(said.get("income_per_head"))
    return replace(home, poverty_class=said.get("poverty_class"), income_per_head=income, grants=grants)


def _stays(held: _Held, school: dict[str, str]) -> tuple[Stay, ...]:
    """Classes the child was listed in, the newest first."""
    by: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sorted(held.rows("enrolment", by_year=True), key=lambda row: row["listed_on"]):
        by.setdefault((row["academic_year"], row["school_id"], row["grade"], row["room"]), []).append(row)
    left = {row["school_id"]: row["left_on"] for row in held.rows("exit") if row["left_on"]}
    newest = {key[1]: key for key in by}  # an exit ends the last class at a school
    found = []
    for key, rows in by.items():
        year, school_id, grade, room = key
        left_on = left.get(school_id) if newest[school_id] == key else None
        first, last = rows[0]["listed_on"], rows[-1]["listed_on"]
        named, brought = school.get(school_id), _came_along(held.store, rows[-1])
        found.append(Stay(year, school_id, named, grade, room, first, last, rows[-1]["status"], left_on, brought))
    return tuple(sorted(found, key=lambda stay: stay.last, reverse=True))


def _came_along(store: Store, row: dict[str, Any]) -> bool:
    """Whether a row of enrolment is from the record the child came with."""
    if row["status"] != BROUGHT:
        return False
    number, _, file = (row["source"] or "").partition("#")
    snapshot = next((name for name in store.current().snapshots if name.startswith(f"{number}-")), None)
    if snapshot is None or not file.isdigit():
        return False
    return str(store.snapshot(snapshot)["files"][int(file) - 1]["format"]) == "child_classes"


def _brought(held: _Held, school: dict[str, str]) -> tuple[Brought, ...]:
    """What the schools before did, the newest first."""
    found = [
        Brought(row["done_on"], row["kind"], row["said"], row["by_name"], row["school_id"],
                school.get(row["school_id"]) or row["school_id"])
        for row in held.rows("brought")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.on, reverse=True))


# -------------------------------------------------------------------------------- runs and looks
def _listings(runs: Path, person: Person | None, learner_id: int, as_of: date) -> tuple[Listing, ...]:
    """What the newest runs up to the one people see said of the learner, newest first; the last run of each day."""
    by_day = {folder.name[:10]: folder for folder in sorted(runs.glob("[0-9]*-*"), key=_made)}
    folders = [by_day[day] for day in sorted(by_day, reverse=True) if day <= as_of.isoformat()][:RUNS]
    found = []
    for folder in folders:
        with _open(folder).cursor() as cursor:
            query = "SELECT listed, cannot_score IS NULL FROM score WHERE learner_id = ?"
            score = cursor.execute(query, [learner_id]).fetchone()
        if score:
            day = date.fromisoformat(folder.name[:10])
            found.append(Listing(day, score[0], score[1], _reasons(folder, person, learner_id)))
    return tuple(found)


def _reasons(run: Path, person: Person | None, learner_id: int) -> tuple[Reason, ...]:
    """The run's reasons as this person may read them."""
    with _open(run).cursor() as cursor:
        rows = cursor.execute(
            "SELECT family, text_th, text_en, lower_th, lower_en, feature FROM reason "
            "WHERE learner_id = ? ORDER BY position",
            [learner_id],
        ).fetchall()
    return discreet(person, [Reason(*row) for row in rows])


def _made(run: Path) -> float:
    return (run / "run.json").stat().st_mtime


@lru_cache(maxsize=2 * RUNS)
def _open(run: Path) -> duckdb.DuckDBPyConnection:
    """A run never changes once it is there, so it stays open: opening 26 of them anew would take half a second."""
    return duckdb.connect(str(run / "scores.duckdb"), read_only=True)


def _looks(people: Engine, learner_id: int, *, whole: bool) -> Looks:
    lines = entries(people, learner_id=learner_id)
    with Session(people) as session:
        names = {row.username: row.name for row in session.execute(select(PersonRow.username, PersonRow.name))}
    all_looks = tuple(Look(line.at, names.get(line.who, line.who), line.what, line.reason) for line in lines)
    opened = [look for look in all_looks if not look.what.endswith("refused")]
    return Looks(len(opened), opened[0] if opened else None, all_looks if whole else ())


# What the audit log calls an entry -> what people call it. Others stand as they are.
_LOOKED = {
    "read_child": N_("opened"),
    "read_child_refused": N_("refused"),
    "export_child_pdf": N_("printed"),
    "export_child_json": N_("took a file"),
    "export_child_csv": N_("took a file"),
    "print_child": N_("printed"),
    "bring_record": N_("took the record from the school before"),
}


def look_words(what: str, language: str) -> str:
    """What somebody did with the record, in words."""
    return speak(language)(_LOOKED[what]) if what in _LOOKED else what


# -------------------------------------------------------------------------------- in words
@dataclass(frozen=True)
class Event:
    """Something on the line of weeks: done (a contact), on or off (the list). `said` is a sentence about it."""

    monday: date
    kind: str
    on: date
    said: Sentence


def events(found: Record) -> tuple[Event, ...]:
    """Contacts, and the days on which the child came on the list or left it, the oldest first.

    The oldest run tells nothing: whether the child was on a list before it is not known."""
    happened = [
        (one.on, "done", Sentence(contact_words(one, "th"), contact_words(one, "en"))) for one in found.contacts
    ]
    runs = sorted(found.listings, key=lambda listing: listing.as_of)
    for before, after in pairwise(runs):
        if after.listed and not before.listed:
            happened.append((after.as_of, "on", _said(N_("on the list from {day}"), day=after.as_of)))
        elif before.listed and not after.listed:
            happened.append((after.as_of, "off", _said(N_("off the list from {day}"), day=after.as_of)))
    happened.sort(key=lambda one: one[0])
    return tuple(Event(calendar.monday_before(day), kind, day, said) for day, kind, said in happened)


def line(found: Record, language: str) -> list[list[str]]:
    """The weeks in which the child was away or something happened, newest first: Monday; days away of those recorded, –
    of a week nobody has recorded; what happened."""
    happened: dict[date, list[str]] = {}
    for one in events(found):
        happened.setdefault(one.monday, []).append(getattr(one.said, language))
    weeks = {week.monday: week for week in found.weeks if week.recorded}
    rows = []
    for monday in sorted({*happened, *(week.monday for week in found.weeks if week.away)}, reverse=True):
        week = weeks.get(monday)
        away = speak(language)(N_("{away} of {n}"), away=week.away, n=week.recorded) if week else "–"
        rows.append([format_date(monday, language), away, "; ".join(happened.get(monday, []))])
    return rows


def contact_words(contact: Contact | Brought, language: str) -> str:
    """What was done, and on which day."""
    kind = speak(language)(STEPS[contact.kind]) if contact.kind in STEPS else contact.kind
    return f"{kind} {format_date(contact.on, language)}"


def home_sentences(home: Home, language: str) -> list[str]:
    """What is known of the home, a sentence each; what is not known is not said."""
    _ = speak(language)
    said = []
    if home.lives_with:
        said.append(_(N_("Lives with: {whom}."), whom=_(LIVES_WITH.get(home.lives_with, home.lives_with))))
    if home.distance_km is not None:
        said.append(_(N_("Home to school: {km} km."), km=f"{home.distance_km:g}"))
    if home.travel_minutes is not None:
        said.append(_(N_("On the way to school: {minutes} min."), minutes=f"{home.travel_minutes:g}"))
    if home.poverty_class:
        said.append(_(N_("Poverty, {screened}."), screened=_(POVERTY.get(home.poverty_class, home.poverty_class))))
    if home.income_per_head is not None:
        said.append(_(N_("Income per person and month: {baht} baht."), baht=f"{home.income_per_head:,.0f}"))
    for grant in home.grants:
        until = format_date(grant.until_day, language) if grant.until_day else _(N_("not stated"))
        since = format_date(grant.from_day, language)
        kind = grant.kind or _(N_("Grant"))
        said.append(_(N_("{kind}: {first} to {last}."), kind=kind, first=since, last=until))
        if grant.attendance_percent is not None:
            said[-1] += " " + _(N_("It asks for {share}% of school days."), share=f"{grant.attendance_percent:g}")
    if home.surveyed_on:
        said.append(_(N_("Last survey: {day}."), day=format_date(home.surveyed_on, language)))
    return said


# -------------------------------------------------------------------------------- strengths
def _both(words: Callable[[str], str]) -> Sentence:
    return Sentence(words("th"), words("en"))


def _said(sentence: str, **values: object) -> Sentence:
    """The sentence in both languages; days in the words of each, learning areas by their name."""

    def words(language: str) -> str:
        places = {k: format_date(v, language) if isinstance(v, date) else v for k, v in values.items()}
        return speak(language)(sentence, **places)

    return _both(words)


def learning_area(area: str, language: str) -> str:
    """The name of a learning area, written in the file by its letter or whole; what is none of the eight stands as the
    file wrote it."""
    words = _area(area)
    return speak(language)(words) if words else area


def _area(area: str | None) -> str | None:
    """The area's name as LEARNING_AREAS has it; None for what is none of the eight."""
    thai = {speak("th")(words): words for words in LEARNING_AREAS.values()}
    return LEARNING_AREAS.get(area or "") or thai.get(area or "")


def _strengths(now: Year | None, terms: Sequence[Term]) -> tuple[Sentence, ...]:
    """What is good and true, from the data alone; nothing where nothing is known. At most five, of this year and the
    newest results."""
    found = [*(_strengths_of_attendance(now) if now else ()), *_strengths_of_results(terms)]
    return tuple(found[:5])


def _strengths_of_attendance(now: Year) -> Iterable[Sentence]:
    marks = [mark for mark in now.marks.values() if mark != NOT_RECORDED]
    recent, earlier = marks[-RECENT:], marks[-2 * RECENT : -RECENT]
    here = sum(mark not in AWAY for mark in recent)
    if len(recent) >= RECENT // 2 and here == len(recent):
        yield _said(N_("Came to school on each of the last {n} recorded days."), n=here)
    elif len(recent) == RECENT and here >= 0.9 * RECENT:
        yield _said(N_("Came to school on {here} of the last {n} recorded days."), here=here, n=RECENT)
    elif len(earlier) == RECENT and (more := here - sum(mark not in AWAY for mark in earlier)) >= 3:
        yield _said(N_("Came on {more} more days of the last {n} than of the {n} before."), more=more, n=RECENT)
    if now.longest >= 3 and now.in_row == 0 and now.longest_from and now.longest_to:
        since = sum(m not in AWAY | {NOT_RECORDED} for day, m in now.marks.items() if day > now.longest_to)
        yield _said(
            N_("Came back after {days} days away in a row (until {day}); days at school since then: {since}."),
            days=now.longest, day=now.longest_to, since=since,
        )  # fmt: skip
    # Who is away is not late either: that is no praise.
    if len(marks) >= RECENT and LATE not in recent and here >= 0.9 * RECENT:
        yield _said(N_("Not late once in the last {n} recorded days."), n=len(recent))
    if now.totals.get(ACTIVITY, 0) >= 2:
        yield _said(N_("Took part in school activities on {n} days this year."), n=now.totals[ACTIVITY])


def _strengths_of_results(terms: Sequence[Term]) -> Iterable[Sentence]:
    newest = next((term for term in terms if term.known), None)
    if newest is None:
        return
    best = max((s for s in newest.subjects if s.point is not None), key=lambda s: s.point or 0)
    if (best.point or 0) >= 2.5 and best.area:
        yield _both(lambda language: _best(newest, best, language))
    if right := sum(s.put_right for term in terms for s in term.subjects):
        yield _said(N_("Results that were open and have been put right: {n}."), n=right)
    subjects = [s for term in terms for s in term.subjects]
    if newest.known >= 3 and not any(s.open_since for s in subjects):
        yield _said(N_("No result is open."))


def _best(term: Term, best: Subject, language: str) -> str:
    return speak(language)(
        N_("Best result of term {term}/{year}: {area}, grade {grade}."),
        term=term.term,
        year=term.year,
        area=learning_area(best.area or best.subject, language),
        grade=best.grade,
    )
