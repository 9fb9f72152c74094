"""Which letters home are due by the clock of absence, and what is written once one was sent.

Beyond a line of its school (5 days away in a row, more than 7 without leave in a month) a child's first letter is due,
a week later the second if she was away again, then the third, then the word to the area office (DOMAIN 7.4). Letters
are printed and a person sends them; a guardian has a telephone, and hardly ever an address for mail.

    for due in letters_due(run, store, settings, people, somsri, today):
        print(due.child.name, due.number, due.said("en"))
    sent(people, somsri, due, today, now)                    # a step of the case, which it opens where there is none
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Literal, cast

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from care import cases
from care.cases import LETTERS, Case, Step
from care.visit_paper import Letter
from dashboard.casework import place_of
from dashboard.language import N_, speak
from dashboard.record import AWAY
from dashboard.roster import Child, Run, children_of, schools, seen_by
from dashboard.today import Attendance
from features.attendance import one_page_each
from raksa import calendar
from raksa.access import Person
from raksa.school_settings import in_force
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import ABSENT, NO_SCHOOL, NOT_RECORDED
from raksa.thai import format_date

# Line of raksa.school_settings -> the sign a case is opened with.
LINES = {"in_row_letter": "in_row", "in_month": "in_month"}
# A letter has a week to be answered, as any step of a case; no regulation says how long.
ANSWERED_WITHIN = timedelta(cases.DAYS["letter"])
MOST_AT_ONCE = 100  # children of several schools whose roll is read for one page
_FOUR_WEEKS = timedelta(28)


@dataclass(frozen=True)
class Due:
    """What the clock of absence asks for one child: letter `number` 1 to 3 to the guardian, or 4 where three have gone
    home and the area office is to be told.

    `days`: the school days away it is about, oldest first, never none: since the letter before. `earlier`: the days of
    the letters of this case. `case` is None where none is open; the first letter then opens one with `sign`.
    """

    child: Child
    number: int
    days: tuple[date, ...]
    sign: str
    earlier: tuple[date, ...] = ()
    case: Case | None = None

    @property
    def is_letter(self) -> bool:
        return self.number <= LETTERS

    def said(self, language: str) -> str:
        """What is known, with its numbers; no line break takes the date apart."""
        day = format_date(self.days[-1], language).replace(" ", "\u00a0")
        return speak(language)(N_("School days away: {n}, the last on {day}."), n=len(self.days), day=day)


def beyond_a_line(
    run: Run, people: Engine, person: Person | None, *, school: str = "", learner: int | None = None
) -> dict[int, str]:
    """Children of the person whom the run finds beyond a line at which their school writes home: learner -> school.
    `school` and `learner` narrow it. Who is not known to be beyond one is not in it, which does not mean she is there.
    """
    condition, values = seen_by(person)
    found = run.rows(
        f"""SELECT learner_id, school_id, away_in_row, absent_28d
        FROM (SELECT * FROM score WHERE {condition}) s JOIN signal g USING (learner_id)
        WHERE (away_in_row > 0 OR absent_28d > 0) AND school_id = coalesce(?, school_id)
          AND learner_id = coalesce(?, learner_id) ORDER BY learner_id""",
        [*values, school or None, learner],
    )
    of = in_force(people)
    return {
        one: at for one, at, in_row, absent in found if _sign(Attendance(in_row, absent, None).beyond(of(at)))
    }  # fmt: skip


def letters_due(
    run: Run,
    store: Store,
    settings: Settings,
    people: Engine,
    person: Person | None,
    today: date,
    *,
    school: str = "",
    learner: int | None = None,
) -> list[Due]:
    """Which letters are due today for the person's children, by class and roll number.

    The run says who is beyond a line, the roll of today whether she still is: a child who has come back since gets no
    letter. Letters 2 and 3, and the word to the area office, come a week after the one before, and only if the child
    was away again since. Letters are counted within a case, from the child's last return on; what is no step of a case
    is not one of the three, and days before a case was closed are answered for.
    """
    beyond = beyond_a_line(run, people, person, school=school, learner=learner)
    if not beyond:
        return []
    marks, of = _marks(store, settings, run, beyond), in_force(people)
    due = []
    for child in children_of(run, person, beyond, sort="class"):
        held = next(iter(cases.of_child(people, person, place_of(child))), None)
        case, steps = held if held and held[0].is_open else (None, [])
        settled = _settled(held)
        known = {day: mark for day, mark in marks.get(child.learner_id, {}).items() if settled < day <= today}
        in_row, absent = _away(known, run.as_of)
        sign = _sign(Attendance(len(in_row), len(absent), None).beyond(of(child.school_id)))
        letters = [step.on for step in steps if step.kind == "letter" and step.on >= settled]
        told = letters[LETTERS - 1 :] and any(step.kind == "referral" and step.on >= letters[-1] for step in steps)
        last = max(letters, default=date.min)
        days = tuple(day for day in sorted({*in_row, *absent}) if day > last)
        if sign and days and not told and (not letters or today - last >= ANSWERED_WITHIN):
            due.append(Due(child, min(len(letters), LETTERS) + 1, days, sign, tuple(letters), case))
    return due


def letter_of(due: Due, person: Person, today: date) -> Letter:
    """The letter as it is printed today; a class teacher signs as whom to call, others leave that to be written."""
    child, number = due.child, cast(Literal[1, 2, 3], due.number)
    return Letter(
        number, child.school or "", child.name, child.class_name, due.days, child.guardian_name or "",
        written=today, earlier=due.earlier, teacher=person.name if person.role == "teacher" else "",
    )  # fmt: skip


def sent(people: Engine, person: Person, due: Due, on: date, now: datetime) -> Case:
    """Note that the letter went home, or that the area office was told, on a day; opens a case where none is open.

    Raises CaseMovedOn if somebody was quicker, and RaksaError for a day after today or before the case.
    """
    say, place = speak(person.language), place_of(due.child)
    if due.is_letter:
        said = say(N_("Letter {n} to the guardian was sent."), n=due.number)
        known = due.said(person.language)
        return cases.letter_sent(
            people, person, place, due.case, signal=due.sign, known=known, said=said, on=on, now=now
        )
    assert due.case is not None  # three letters are steps of one
    agency = due.child.area or say(N_("Area office"))
    said = say(N_("Told after three letters. {known}"), known=due.said(person.language))
    return cases.act(
        people, person, due.case.id, due.case.version, kind="referral", said=said, agency=agency, on=on, now=now
    )  # fmt: skip


def schools_beyond(run: Run, people: Engine, person: Person | None) -> dict[str, str]:
    """Schools with a child beyond a line at which letters go home: id -> name, of those the person may see."""
    there = set(beyond_a_line(run, people, person).values())
    return {one.id: one.name for one in schools(run, person) if one.id in there}


def _sign(lines: Iterable[str]) -> str:
    """The sign of the first of these lines at which a letter goes home; "" if there is none."""
    return next((LINES[line] for line in lines if line in LINES), "")


def _marks(store: Store, settings: Settings, run: Run, learners: Iterable[int]) -> dict[int, dict[date, str]]:
    """This year's recorded days of these learners with their marks, by day, all schools laid together."""
    year = calendar.academic_year(run.as_of, settings)
    first, found = calendar.first_day(year, settings), {}
    by_bucket: dict[int, list[int]] = {}
    for learner in learners:
        by_bucket.setdefault(learner % store.identity.buckets, []).append(learner)
    for bucket, these in by_bucket.items():
        roll = store.read("roll", years=[year], bucket=bucket)
        ids, pages = one_page_each(roll.filter(pc.is_in(roll["learner_id"], pa.array(these, pa.int64()))))
        for learner, page in zip(ids.tolist(), pages, strict=True):
            marks = [(n, chr(mark)) for n, mark in enumerate(page)]
            found[learner] = {first + timedelta(n): mark for n, mark in marks if mark not in (NOT_RECORDED, NO_SCHOOL)}
    return found


def _settled(held: tuple[Case, list[Step]] | None) -> date:
    """The day up to which being away is answered for: the child came back, or the case was closed."""
    if held is None:
        return date.min
    case, steps = held
    return max([case.closed_on or date.min, *(step.on for step in steps if step.kind == "returned")])


def _away(marks: dict[date, str], as_of: date) -> tuple[list[date], list[date]]:
    """Days away in a row up to the last recorded one, and days without leave in four weeks, as the run counts them."""
    in_row = list(takewhile(lambda day: marks[day] in AWAY, reversed(marks)))
    until = max([as_of, *(day + timedelta(1) for day in list(marks)[-1:])])
    return in_row, [day for day, mark in marks.items() if until - _FOUR_WEEKS <= day < until and mark == ABSENT]
