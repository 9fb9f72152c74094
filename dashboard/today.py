"""What a class teacher, or the head of a school, acts on this morning. Needs and reasons, no score.

Plain functions from a run and a person to entries, as in dashboard.roster; the page and `raksa today` print the same.

    of = in_force(people)                                    # the lines each school has drawn for itself
    now = morning(run, somsri, settings, of, last_contacts(people, somsri))
    for one in now.crossed:
        print(one.child.name, one.said("en"), one.next("en"))
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import duckdb
from sqlalchemy import Engine

from care.cases import Case, open_cases
from care.contacts import last_contacts
from dashboard.casework import SIGNALS, STEPS
from dashboard.language import N_, speak
from dashboard.record import RECORDED_ENOUGH, line_said
from dashboard.roster import (
    UNWRITTEN_DAYS,
    Child,
    Filters,
    Run,
    children,
    children_of,
    place_order,
    schools,
    seen_by,
    why_not,
)
from raksa import calendar
from raksa.access import Person, sees_learners
from raksa.accounts import Accounts
from raksa.audit import Entry, record
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.school_settings import SchoolSettings, in_force
from raksa.settings import Settings
from raksa.tables import NO_SCHOOL
from raksa.thai import format_date

_WEEK = timedelta(days=7)
_HOLIDAYS = 3  # school days a whole school may be silent before it counts: the calendar knows no public holidays

# The lines, the most serious first, and what the practice of schools asks next: somebody asks after 3 days in a row,
# letter 1 goes home after 5 or after more than 7 in a month (DOMAIN 7.4); below 80 % of a subject's time there is no
# final examination (มส). What a school has set for itself holds: raksa.school_settings.
LINES = {
    "attended_last": N_(
        "Agree with the subject teachers how lost time is made up: below this line at the end, no final examination."
    ),
    "in_row_letter": N_("Letter 1 to the guardian, after a call or a visit."),
    "in_month": N_("A call or a visit, then letter 1 to the guardian."),
    "attended_second": N_("Talk with the guardian and agree what would help."),
    "in_row_notice": N_("Call the guardian today, and write down what you learn."),
    "attended_first": N_("Talk with the child: what makes coming to school hard?"),
}


@dataclass(frozen=True)
class Attendance:
    """What is known of a learner's days: school days away in a row and without leave in four weeks, share of this
    year's recorded days attended (0–1). None = not known, which is beyond no line and not safe either."""

    in_row: int | None
    absent: int | None
    attended: float | None

    def beyond(self, of: SchoolSettings) -> tuple[str, ...]:
        """The lines this is beyond, the most serious first."""
        row, absent = self.in_row or 0, self.absent or 0
        # A run holds shares in four bytes, where 90 of 100 days are 0.8999999762: exactly on a line is not below it.
        share = 1.0 if self.attended is None else round(self.attended, 6)
        held = {
            "attended_last": share < of.attended_last,
            "in_row_letter": row >= of.in_row_letter,
            "in_month": absent > of.in_month,
            "attended_second": share < of.attended_second,
            "in_row_notice": row >= of.in_row_notice,
            "attended_first": share < of.attended_first,
        }
        return tuple(line for line in LINES if held[line])


@dataclass(frozen=True)
class Crossing:
    """A child beyond a line: the most serious of those crossed since the run of before, or of all where none is new.

    `days_left`: school days that may still be missed before the 80 % line, negative = missed beyond it, None = not
    known, as too few days of the last four weeks are recorded; `last_mark_on`: the last day recorded; `written`: the
    day somebody last wrote something, None = nobody did.
    """

    child: Child
    line: str
    now: Attendance
    recorded_28d: int | None
    days_left: int | None
    last_mark_on: date | None
    written: date | None

    def said(self, language: str) -> str:
        """What is known, with its numbers."""
        say, day = speak(language), format_date(self.last_mark_on, language) if self.last_mark_on else "–"
        if self.line.startswith("in_row"):
            return say(N_("School days away in a row, up to {day}: {n}."), n=self.now.in_row, day=day)
        if self.line == "in_month":
            words = N_("School days away without leave in four weeks: {n} of {of} recorded, up to {day}.")
            return say(words, n=self.now.absent, of=self.recorded_28d, day=day)
        # Rounded down: 79.96 is below 80 and must read so.
        share = f"{math.floor(1000 * round(self.now.attended or 0, 6)) / 10:.1f}"
        text = say(N_("Share of this year's recorded days attended: {share}%."), share=share)
        return f"{text} {line_said(self.days_left, language)}"

    def next(self, language: str) -> str:
        """What the practice of schools asks next."""
        return speak(language)(LINES[self.line])


@dataclass(frozen=True)
class Unseen:
    """A child on the school's books whom nobody sees in class: first of all somebody looks for her. `last_mark_on`: the
    last day recorded, None = none this year."""

    child: Child
    why: Mapping[str, str]
    turn: Mapping[str, str]
    last_mark_on: date | None

    def said(self, language: str) -> str:
        """What is known, and the last day recorded."""
        if self.last_mark_on is None:
            return f"{self.why[language]} {speak(language)('No mark this year.')}"
        last = speak(language)("Last day recorded: {day}.", day=format_date(self.last_mark_on, language))
        return f"{self.why[language]} {last}"

    def next(self, language: str) -> str:
        """Whose turn it is."""
        return self.turn[language]


@dataclass(frozen=True)
class Waiting:
    """A child on the list for a week or more about whom nobody has written anything; `since`: on the list that day
    already, None where no earlier run tells."""

    child: Child
    since: date | None


@dataclass(frozen=True)
class Late:
    """An open case past its date: the child (None = on no list of the person's now), why it was opened and the step it
    has come to (`dashboard.casework` names both), and the day its next step was due."""

    child: Child | None
    school_id: str
    signal: str
    stage: str
    due: date

    def said(self, language: str) -> str:
        """What is due, and since when."""
        say = speak(language)
        words = N_("Opened: {why}. Last step: {step}. The next was due on {day}.")
        return say(
            words, why=say(SIGNALS[self.signal]), step=say(STEPS[self.stage]), day=format_date(self.due, language)
        )


@dataclass(frozen=True)
class Call:
    """A child away on the last recorded day: school days in a row up to it, and that day."""

    child: Child
    days: int
    last_day: date


@dataclass(frozen=True)
class Unrecorded:
    """A class whose marks have stopped: the last day with a mark (None = none this year), and how many school days,
    by the calendar of the settings, have none since (None where none was recorded at all)."""

    school_id: str
    school: str | None
    grade: str | None
    room: str | None
    learners: int
    last_mark_on: date | None
    days: int | None

    @property
    def class_name(self) -> str:
        return "/".join(part for part in (self.grade, self.room) if part)


@dataclass(frozen=True)
class Morning:
    """Everything the page Today shows. Whom nobody sees in class (`unseen`) stands there and beyond no line: her marks
    say little. `since`: the day of the run of before; None = there is none, and what is new
    cannot be told from what is not: `crossed` and `new` are empty then."""

    since: date | None
    overdue: tuple[Waiting, ...]
    crossed: tuple[Crossing, ...]
    new: tuple[Child, ...]
    calls: tuple[Call, ...]
    unrecorded: tuple[Unrecorded, ...]
    beyond: tuple[Crossing, ...]
    late: tuple[Late, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def late_cases(people: Engine, person: Person | None, today: date) -> list[Case]:
    """The person's open cases whose date has passed, the longest overdue first."""
    return [case for case in open_cases(people, person) if case.overdue(today)]


def morning(
    run: Run,
    person: Person | None,
    settings: Settings,
    of: Callable[[str], SchoolSettings],
    contacts: Mapping[int, date],
    school: str = "",
    cases: Iterable[Case] = (),
) -> Morning:
    """What the person acts on now. `of`: the lines of a school; `contacts`: learner -> day somebody last wrote
    something; `school`: a school id, for those who see several; `cases`: her `late_cases`. Children stand by class and
    roll number, overdue and new ones by need, those of cases by their date."""
    condition, values = seen_by(person)
    if school:
        condition, values = f"({condition} AND school_id = ?)", [*values, school]
    lately = run.as_of - timedelta(days=UNWRITTEN_DAYS)
    written = {learner for learner, on in contacts.items() if on >= lately}
    signals = _signals(run, condition, tuple(values))
    unseen = {one.learner: one.last for one in signals if one.cannot_score == "floating"}
    crossed, beyond, away = _attendance(run, signals, of)
    waiting, since = _waiting(run, condition, values, written)
    cases = [case for case in cases if not school or case.place.school_id == school]
    wanted = {*unseen, *crossed, *beyond, *away, *waiting, *(case.place.learner_id for case in cases)}
    found = {one.learner_id: one for one in children_of(run, person, wanted, sort="class")}

    def entries(these: Mapping[int, _Row]) -> tuple[Crossing, ...]:
        return tuple(
            Crossing(child, row.line, row.now, row.recorded, row.left, row.last, contacts.get(learner))
            for learner, child in found.items()
            if (row := these.get(learner))
        )

    return Morning(
        since=_day(run.before) if run.before else None,
        overdue=tuple(Waiting(found[learner], since) for learner in waiting),
        crossed=entries(crossed),
        new=tuple(children(run, person, Filters(school=school, new=True))) if run.before else (),
        calls=tuple(Call(child, *away[learner]) for learner, child in found.items() if learner in away),
        unrecorded=_unrecorded(run, signals, settings),
        beyond=entries(beyond),
        late=tuple(
            Late(found.get(case.place.learner_id), case.place.school_id, case.signal, case.stage, case.due)
            for case in cases
            if case.due
        ),
        unseen=tuple(_unseen(run, child, unseen[learner]) for learner, child in found.items() if learner in unseen),
    )


def _unseen(run: Run, child: Child, last: date | None) -> Unseen:
    told = why_not(run, child)
    return Unseen(child, {"th": told.why_th, "en": told.why_en}, {"th": told.turn_th, "en": told.turn_en}, last)


class _Signal(NamedTuple):
    """What the run knows of one learner's days: raksa.tables.SIGNAL with the class and the school."""

    learner: int
    school_id: str
    school: str | None
    school_last: date | None
    grade: str | None
    room: str | None
    in_row: int | None
    absent: int | None
    attended: float | None
    in_row_before: int | None
    absent_before: int | None
    attended_before: float | None
    recorded: int | None
    recorded_share: float | None
    left: int | None
    last: date | None
    cannot_score: str | None


# A run never changes, and whoever asks is part of the key: the morning's first click reads, the others remember.
@lru_cache(maxsize=32)
def _signals(run: Run, condition: str, values: tuple[str, ...]) -> tuple[_Signal, ...]:
    found = run.rows(
        f"""SELECT s.learner_id, s.school_id, c.name, c.last_mark_on, s.grade, s.room, g.away_in_row, g.absent_28d,
               g.attended_share, g.away_in_row_before, g.absent_28d_before, g.attended_share_before, g.recorded_28d,
               g.recorded_share_28d, g.days_to_line, g.last_mark_on, s.cannot_score
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN signal g USING (learner_id)
        LEFT JOIN school c USING (school_id) ORDER BY s.learner_id""",
        values,
    )
    return tuple(_Signal(*row) for row in found)


@dataclass(frozen=True)
class _Row:
    line: str
    now: Attendance
    recorded: int | None
    left: int | None
    last: date | None


def _attendance(
    run: Run, signals: Iterable[_Signal], of: Callable[[str], SchoolSettings]
) -> tuple[dict[int, _Row], dict[int, _Row], dict[int, tuple[int, date]]]:
    """Who crossed a line since the run of before, who is beyond one already, and who is away, by learner."""
    crossed: dict[int, _Row] = {}
    beyond: dict[int, _Row] = {}
    away: dict[int, tuple[int, date]] = {}
    for one in signals:
        now, then = (
            Attendance(one.in_row, one.absent, one.attended),
            Attendance(one.in_row_before, one.absent_before, one.attended_before),
        )
        lines, before = now.beyond(of(one.school_id)), then.beyond(of(one.school_id))
        fresh = [line for line in lines if line not in before] if run.before else []
        # The run takes an unrecorded day for one attended.
        left = one.left if round(one.recorded_share or 0, 6) >= RECORDED_ENOUGH else None
        if one.cannot_score == "floating":
            pass  # stands in a part of its own
        elif fresh:
            crossed[one.learner] = _Row(fresh[0], now, one.recorded, left, one.last)
        elif lines:
            beyond[one.learner] = _Row(lines[0], now, one.recorded, left, one.last)
        # Who was last seen weeks ago is asked for under the marks that have stopped, not called for being away today.
        if one.in_row and one.last and one.last >= run.as_of - _WEEK:
            away[one.learner] = (one.in_row, one.last)
    return crossed, beyond, away


def _waiting(run: Run, condition: str, values: list[str], written: set[int]) -> tuple[list[int], date | None]:
    """Learners on the list for a week or more about whom nobody has written anything, by need, and the day on which
    they stood there already."""
    listed = run.rows(
        f"SELECT learner_id FROM score WHERE {condition} AND listed AND newly_listed IS NOT TRUE "
        "ORDER BY risk DESC, learner_id",
        values,
    )
    quiet = [learner for (learner,) in listed if learner not in written]
    then = _a_week_before(run)
    if then is None or then.name == run.before:
        return quiet, _day(then.name) if then else None
    with duckdb.connect(str(then / "scores.duckdb"), read_only=True) as con:
        query = "SELECT learner_id FROM score WHERE listed AND learner_id IN (SELECT unnest(?::BIGINT[]))"
        there = {learner for (learner,) in con.execute(query, [quiet]).fetchall()}
    return [learner for learner in quiet if learner in there], _day(then.name)


def _a_week_before(run: Run) -> Path | None:
    """Folder of the latest run a week or more before this one, along what each names as the run before it."""
    before = run.before
    while before and _day(before) > run.as_of - _WEEK:
        about = run.folder.with_name(before) / "run.json"
        before = json.loads(about.read_text(encoding="utf-8"))["before"] if about.is_file() else None
    return run.folder.with_name(before) if before else None


def _day(run: str) -> date:
    """The as-of date a run's id begins with."""
    return date.fromisoformat(run[:10])


def _unrecorded(run: Run, signals: Iterable[_Signal], settings: Settings) -> tuple[Unrecorded, ...]:
    """Classes whose last mark is older than the last school day of their school: the last day any class recorded, or,
    where the whole school has been silent for longer than holidays explain, the last one of the calendar."""
    classes: dict[tuple[str, str | None, str | None], list[_Signal]] = {}
    for one in signals:
        classes.setdefault((one.school_id, one.grade, one.room), []).append(one)
    found = []
    for (school_id, grade, room), these in classes.items():
        school, of_school = these[0].school, these[0].school_last
        last = max((one.last for one in these if one.last), default=None)
        days = None if last is None else len(school_days(last, run.as_of, settings))
        silent = of_school is None or len(school_days(of_school, run.as_of, settings)) > _HOLIDAYS
        if last is None or (days and (silent or (of_school and last < of_school))):
            found.append(Unrecorded(school_id, school, grade, room, len(these), last, days))
    return tuple(sorted(found, key=lambda one: (one.school or "", *place_order(one.grade, one.room))))


def school_days(after: date, before: date, settings: Settings) -> list[date]:
    """School days strictly between two dates, by the terms and weekdays of the settings; public holidays count in.

    >>> school_days(date(2026, 11, 11), date(2026, 11, 16), Settings())
    [datetime.date(2026, 11, 12), datetime.date(2026, 11, 13)]
    """
    pages: dict[int, list[bool]] = {}
    found = []
    for n in range(1, (before - after).days):
        day = after + timedelta(days=n)
        year = calendar.academic_year(day, settings)
        if year not in pages:
            pages[year] = (calendar.blank_page(year, settings) != ord(NO_SCHOOL)).tolist()
        if pages[year][calendar.position(day, settings)]:
            found.append(day)
    return found


def by_class(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """The calls of each class of each school, in their order: a list for each room's teacher. A class is named with its
    school where there are several."""
    calls = list(calls)
    several = len({call.child.school_id for call in calls}) > 1
    found: dict[str, list[Call]] = {}
    for call in calls:
        place = f"{call.child.class_name} · {call.child.school}" if several else call.child.class_name
        found.setdefault(place, []).append(call)
    return found


CALL_COLUMNS = (
    N_("Roll no."),
    N_("Name"),
    N_("Days away in a row"),
    N_("Guardian"),
    N_("Telephone"),
    N_("What was learnt and agreed"),
)


def call_rows(calls: Iterable[Call], language: str) -> list[list[str]]:
    """The calls as rows of CALL_COLUMNS, the last left free to write in."""
    say = speak(language)

    def guardian(child: Child) -> str:
        relation = f" ({child.guardian_relation})" if child.guardian_relation else ""
        return f"{child.guardian_name or say('No guardian is recorded.')}{relation}"

    return [
        [str(one.child.roll_number or "–"), one.child.name, str(one.days), guardian(one.child),
         one.child.phone or say("No telephone is recorded."), ""]
        for one in calls
    ]  # fmt: skip


def calls_xlsx(calls: Iterable[Call], language: str) -> bytes:
    """The call list as a workbook: a row a child with her class, text as text."""
    import xlsxwriter

    say, out = speak(language), io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet, heading = book.add_worksheet("Raksa"), book.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 0)
        for x, (words, width) in enumerate(zip((N_("Class"), *CALL_COLUMNS), (24, 8, 26, 14, 28, 16, 60), strict=True)):
            sheet.set_column(x, x, width)
            sheet.write_string(0, x, say(words), heading)
        rows = [[place, *row] for place, these in by_class(calls).items() for row in call_rows(these, language)]
        for y, row in enumerate(rows, start=1):
            for x, cell in enumerate(row):
                sheet.write_string(y, x, cell)
    return out.getvalue()


# Parts of the page in its order, as it names them.
PARTS = {
    "unseen": N_("Nobody sees the child in class"),
    "late": N_("Past its date"),
    "nobody": N_("Nobody has written anything yet"),
    "crossed": N_("Crossed a line"),
    "new": N_("New on the list"),
    "calls": N_("Whom to call today"),
    "marks": N_("Marks not yet recorded"),
    "beyond": N_("Beyond a line already"),
}


def lines(now: Morning, person: Person | None, language: str = "th") -> list[dict[str, object]]:
    """The same as rows for the command line: part of the page (PARTS), class, child, what is known, what comes next.

    Raises RaksaError for a role that sees no learner.
    """
    if not sees_learners(person):
        assert person is not None
        raise RaksaError(f"{person.username} has the role {person.role}, which sees no learner. Use another --as.")
    say = speak(language)

    def row(part: str, child: Child | None, known: str, next_step: str = "") -> dict[str, object]:
        part = say(PARTS[part])
        held = {name: getattr(child, name, None) for name in ("school", "class_name", "name", "guardian_name", "phone")}
        return {
            "part": part, "school": held["school"], "class": held["class_name"],
            "name": held["name"] or say(N_("On no list now")), "known": known, "next": next_step,
            "guardian": held["guardian_name"], "phone": held["phone"],
        }  # fmt: skip

    def reasons(child: Child) -> str:
        return " / ".join(getattr(reason, language) for reason in child.reasons)

    write = say(N_("Visit, call or talk, and write down what you learn."))
    call = say(LINES["in_row_notice"])
    rows = [row("unseen", one.child, one.said(language), one.next(language)) for one in now.unseen]
    rows += [
        row("late", one.child, one.said(language), say(N_("Do the next step, or set another day."))) for one in now.late
    ]
    rows += [row("nobody", one.child, reasons(one.child), write) for one in now.overdue]
    rows += [row("crossed", one.child, one.said(language), one.next(language)) for one in now.crossed]
    rows += [row("new", one, reasons(one), write) for one in now.new]
    away = N_("School days away in a row, up to {day}: {n}.")
    rows += [
        row("calls", one.child, say(away, n=one.days, day=format_date(one.last_day, language)), call)
        for one in now.calls
    ]
    rows += [
        {
            "part": say(PARTS["marks"]), "school": one.school, "class": one.class_name, "name": None,
            "known": stopped(one, language), "next": say(N_("Record the missing days and send them.")),
            "guardian": None, "phone": None,
        }
        for one in now.unrecorded
    ]  # fmt: skip
    return rows + [row("beyond", one.child, one.said(language), one.next(language)) for one in now.beyond]


def stopped(one: Unrecorded, language: str) -> str:
    """Since when a class has no marks, in a sentence."""
    say = speak(language)
    if one.last_mark_on is None:
        return say(N_("No mark this year."))
    words = N_("Last day recorded: {day}. School days without marks since: {n}.")
    return say(words, day=format_date(one.last_mark_on, language), n=one.days)


def printed(
    settings: Settings, run: Run, person: Person | None, school: str, language: str, now: datetime
) -> list[dict[str, object]]:
    """`lines` for the command line, written to the audit log. Raises RaksaError for a school that is not there."""
    if school and not any(count.id == school for count in schools(run, person)):
        raise RaksaError(f"No school {school!r} in this run. Write its id.")
    accounts = Accounts.open(settings)
    try:
        people = accounts.people
        late = late_cases(people, person, today_in_bangkok(now))
        found = morning(run, person, settings, in_force(people), last_contacts(people, person), school, late)
        rows = lines(found, person, language)
        about = f"today{f', school={school}' if school else ''}, {len(rows)} rows"
        about += f", as {person.username}" if person else ""
        record(people, Entry(now, "operator", "print_list", None, about, "operator"))
    finally:
        accounts.close()
    return rows
