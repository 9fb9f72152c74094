"""What the pages, the exports and `raksa list` show: plain functions from a run and a person to rows.

No Streamlit here, and no second set of rules: each function takes the person it answers (None = the
operator on the command line) and asks raksa.access in the query itself, so that a row nobody may see is
never read. Whatever a person may not see is missing from the row, not merely hidden.

    run = open_run(Store(settings.home))
    for child in children(run, somsri, Filters(grade="ม.3")):
        print(child.name, [reason.th for reason in child.reasons])
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from care.contacts import last_contacts
from dashboard import small_cells
from dashboard.keys import key_of
from dashboard.language import N_, speak
from features.registry import FAMILIES
from models.uncertainty import Curves, hits
from raksa.access import Decision, Person, decide, sees_learners, sees_score, sees_whole_cells, where, where_counts
from raksa.accounts import Accounts
from raksa.audit import Entry, record
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADES, RUN
from raksa.thai import format_date, search_key

SMALLEST_CELL = small_cells.SMALLEST_CELL
UNWRITTEN_DAYS = 60  # a list lives about a term's half: what was written before says little about now

# Why a learner has no score, and who can change that. Codes are those of raksa.tables.WHY_NOT_SCORED.
_WHY = {
    "floating": (
        N_("On the school's books but not in class since the last list: look for the child now."),
        N_("The class teacher and the headteacher: find out where the child is."),
    ),
    "no_attendance": (
        N_("No attendance has been sent for this learner this year, so the need cannot be estimated."),
        N_("The school's registrar: send this year's attendance."),
    ),
    "attendance_stopped": (
        N_("The school's attendance stopped; too few of the last four weeks are recorded."),
        N_("The class teacher and the registrar: record the missing weeks and send them."),
    ),
    "not_modelled": (
        N_("This grade is not estimated: there is no past to learn from."),
        N_("Nobody's: keep looking after the child as usual."),
    ),
}
# Column of a list -> its heading. Those a person may not see are left out by columns_for.
COLUMNS = {
    "area": N_("Area"),
    "school": N_("School"),
    "grade": N_("Grade"),
    "room": N_("Room"),
    "roll_number": N_("Roll no."),
    "student_number": N_("Student no."),
    "name": N_("Name"),
    "listed": N_("On the list"),
    "new": N_("New this week"),
    "rank": N_("Order of need in the school"),
    "risk": N_("Estimated chance of leaving"),
    "reasons": N_("Reasons"),
    "away_28d": N_("Days away in four weeks"),
    "guardian_name": N_("Guardian"),
    "guardian_relation": N_("Relation"),
    "phone": N_("Telephone"),
}
_PAGE = 100  # children a page shows at most
# Order of a list -> what it is called, and the order in SQL over s (score), r (roster) and g (signal).
SORTS = {"need": N_("Need"), "name": N_("Name"), "class": N_("Class"), "away": N_("Most days away")}
_GRADE_PLACES = "[" + ", ".join(f"'{grade}'" for grade in GRADES) + "]"
_ORDERS = {
    "need": "s.risk DESC NULLS LAST, s.learner_id",
    "name": "r.first_name COLLATE th NULLS LAST, r.last_name COLLATE th, s.learner_id",
    "class": f"list_position({_GRADE_PLACES}, s.grade) NULLS LAST, len(s.room), s.room, r.roll_number NULLS LAST, "
    "r.first_name COLLATE th, s.learner_id",
    "away": "g.away_28d DESC NULLS LAST, s.risk DESC NULLS LAST, s.learner_id",
}
_ORDERS["urgent"] = f"list_position({list(_WHY)}, s.cannot_score), {_ORDERS['name']}"  # who has no score


@dataclass(frozen=True, eq=False)
class Run:
    """One scored run, open for reading. `horizon` is the date by which leaving is counted; `before` the run that "new"
    is new since, None without one. Two are the same only if they are one: caches are keyed by it."""

    folder: Path
    id: str
    as_of: date
    before: str | None
    horizon: date
    model: str
    created_at: str
    snapshots: tuple[str, ...]
    counts: dict[str, Any]
    figures: dict[str, Any]
    curves: Curves
    connection: duckdb.DuckDBPyConnection = field(repr=False)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        # A cursor of its own for each question: a DuckDB connection serves one thread at a time.
        with self.connection.cursor() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    def columns(self, sql: str, values: Sequence[object] = ()) -> dict[str, np.ndarray]:
        """The same by column, for tens of thousands of rows."""
        with self.connection.cursor() as cursor:
            found = cursor.execute(sql, list(values)).fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}

    def kept(self, sql: str, values: Sequence[object] = ()) -> tuple[tuple[Any, ...], ...]:
        """The same as `rows`, asked once: for a page's small answers. A run never changes, and who asks is part of the
        question, so that nobody is given another person's answer."""
        hashable = (tuple(value) if isinstance(value, list) else value for value in values)
        return _answered(self, sql, tuple(hashable))

    def close(self) -> None:
        self.connection.close()


@lru_cache(maxsize=2048)  # 20 kB each at most, as a page of children is
def _answered(run: Run, sql: str, values: tuple[object, ...]) -> tuple[tuple[Any, ...], ...]:
    return tuple(run.rows(sql, [list(value) if isinstance(value, tuple) else value for value in values]))


class _School(NamedTuple):
    name: str | None
    area: str | None
    last_mark_on: date | None


@lru_cache(maxsize=4)
def _schools(run: Run) -> dict[str, _School]:
    """Every school of the run by its code: looked up here, joined to nothing. A nation has some 30,000."""
    return {
        code: _School(*row) for code, *row in run.rows("SELECT school_id, name, area_name, last_mark_on FROM school")
    }


_NO_SCHOOL = _School(None, None, None)
_Ask = Callable[[str, Sequence[object]], Sequence[tuple[Any, ...]]]  # Run.rows or Run.kept


@dataclass(frozen=True)
class Filters:
    """What a person has chosen to look at. Empty means no limit; `top` is how many rows, after `skip`.

    Area and school are a code, or a part of the name; `search` is a part of a child's name, or a student number; `new`
    those who were not on the list of before; `unwritten` those about whom nobody has written anything lately, that is,
    who are not among `written` (`asked` fills it in).
    """

    area: str = ""
    school: str = ""
    grade: str = ""
    room: str = ""
    family: str = ""
    search: str = ""
    listed_only: bool = True
    new: bool = False
    unwritten: bool = False
    sort: str = "need"
    top: int | None = None
    skip: int = 0
    written: frozenset[int] = field(default=frozenset(), repr=False)

    def __str__(self) -> str:
        """In words for the audit log: only what is set, and no child's number."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if f.repr and getattr(self, f.name) != f.default}
        return ", ".join(f"{name}={value}" for name, value in chosen.items()) or "all"


# The choices of a list as an address writes them: a link opens the view it was copied from, a file holds what the page
# shows. These stand there in words, the others as switches.
_WORDS = ("area", "school", "grade", "room", "family", "search")


def asked(run: Run, person: Person | None, query: Mapping[str, str], people: Engine) -> Filters:
    """The filters an address asks for. What it does not say, or says in a way nobody chose, is as if not asked.

    `unwritten` is counted from 60 days before the run's day, so that a link says the same a day later.
    """
    sort, unwritten = query.get("sort", ""), query.get("unwritten") == "1"
    place = Filters(**{word: query.get(word, "").strip() for word in _WORDS})  # type: ignore[arg-type]
    return replace(
        place,
        listed_only=query.get("all") != "1",
        new=query.get("new") == "1",
        unwritten=unwritten,
        sort=sort if sort in SORTS else "need",
        written=written_lately(run, person, people) if unwritten else frozenset(),
    )


def as_query(filters: Filters) -> dict[str, str]:
    """What `asked` reads back to the same filters; only what is set."""
    words = {word: getattr(filters, word) for word in _WORDS}
    switches = {"all": not filters.listed_only, "new": filters.new, "unwritten": filters.unwritten}
    words |= {word: "1" for word, on in switches.items() if on}
    return {word: value for word, value in words.items() if value} | (
        {"sort": filters.sort} if filters.sort != "need" else {}
    )


def written_lately(run: Run, person: Person | None, people: Engine) -> frozenset[int]:
    """Learners about whom anyone has written anything in the 60 days before the run's day, or since: a visit, a call, a
    letter, a note. Any counts the same, so that nobody writes something to clear a list (FIELD 2.12)."""
    since = run.as_of - timedelta(days=UNWRITTEN_DAYS)
    return frozenset(learner for learner, on in last_contacts(people, person).items() if on >= since)


@dataclass(frozen=True)
class Reason:
    """One thing that raised the need, as a sentence in both languages, and what would lower it, where anyone can."""

    family: str
    th: str
    en: str
    lower_th: str | None = None
    lower_en: str | None = None
    feature: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Child:
    """One child on a list. `risk` and `rank` are None where the person sees no score, or there is none; `new` where
    there was no run before; `away_28d`, the school days away in four weeks, where none was recorded.

    `key` stands for the child on a page instead of the learner's number, which never leaves the store.
    """

    learner_id: int = field(repr=False)
    key: str
    area_id: str | None
    area: str | None
    school_id: str
    school: str | None
    grade: str | None
    room: str | None
    roll_number: int | None
    student_number: str | None
    name: str
    listed: bool
    guardian_name: str | None
    guardian_relation: str | None
    phone: str | None
    cannot_score: str | None = None
    new: bool | None = None
    away_28d: int | None = None
    rank: int | None = None
    risk: float | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def class_name(self) -> str:
        """ม.3/1, as a school writes it; ม.3 where rooms have no names."""
        return "/".join(part for part in (self.grade, self.room) if part)


@dataclass(frozen=True)
class Unscored:
    """A child without a score, why, and whose turn it is."""

    child: Child
    code: str
    last_mark_on: date | None
    why_th: str
    why_en: str
    turn_th: str
    turn_en: str


@dataclass(frozen=True)
class Gap:
    """Children of one school who have no score for the same reason."""

    school_id: str
    school: str | None
    code: str
    learners: int
    why_th: str
    why_en: str
    turn_th: str
    turn_en: str


@dataclass(frozen=True)
class Count:
    """A school, an area or a choice of filters in numbers, as far as the person may see them.

    None = hidden (a cell under five, or one from which it could be worked out) or not for this role. The two
    expectations are sums of calibrated probabilities: leavers by the run's horizon on the list and not on it; on_list
    and off_list are the 90 % intervals of the two, None too where there are too many children to draw them anew.
    """

    id: str
    name: str
    schools: int = 0
    learners: int | None = None
    listed: int | None = None
    not_scored: int | None = None
    capacity: int | None = None
    expected_on_list: float | None = None
    expected_off_list: float | None = None
    on_list: tuple[int, int] | None = None
    off_list: tuple[int, int] | None = None
    last_mark_on: date | None = None


def open_run(store: Store, run: str | None = None) -> Run:
    """Open a run for reading, the current one by default.

    A run never changes once it is there and the next one has another name, so an open one stays true. Raises
    RaksaError if there is none or its files do not belong together.
    """
    folder = store.run_folder(run)
    try:
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        opened = Run(
            folder=folder,
            id=about["id"],
            as_of=date.fromisoformat(about["as_of"]),
            before=about["before"],
            horizon=date.fromisoformat(about["horizon"]),
            model=about["model"],
            created_at=about["created_at"],
            snapshots=tuple(about["snapshots"]),
            counts=about["counts"],
            figures=about["figures"],
            curves=Curves(tuple((slope, shift) for slope, shift in about["curves"])),
            connection=duckdb.connect(str(folder / "scores.duckdb"), read_only=True),
        )
    except (OSError, KeyError, ValueError, duckdb.IOException) as wrong:
        raise RaksaError(f"Run {folder} cannot be read ({wrong!r}). Make a new one with `raksa score`.") from None
    held = set(opened.rows("SELECT table_name, column_name FROM duckdb_columns()"))
    wanted = {(table.name, column) for table in RUN.values() for column in table.schema.names}
    if missing := sorted(wanted - held):
        opened.close()
        what = ".".join(missing[0])
        raise RaksaError(f"Run {folder} was made by another version (no {what}). Make a new one with `raksa score`.")
    return opened


# -------------------------------------------------------------------------------- counts
def schools(run: Run, person: Person | None, filters: Filters = Filters()) -> list[Count]:
    """The schools a person may count, by name. A teacher's row counts her own classes only."""
    if sees_whole_cells(person):
        return _counts(run, person, filters, _BY_SCHOOL)
    # Hidden cells are chosen area by area and before a school is picked, so that no other choice of filters
    # shows what this one hides.
    whole = [
        count
        for area in areas(run, person)
        for count in _hide_small(_counts(run, person, Filters(area=area.id), _BY_SCHOOL))
    ]
    mine = {c.id for c in _counts(run, person, Filters(area=filters.area, school=filters.school), _BY_SCHOOL)}
    return [count for count in whole if count.id in mine]


def areas(run: Run, person: Person | None) -> list[Count]:
    """The service areas a person may count, by name."""
    found = _counts(run, person, Filters(), _BY_AREA)
    return found if sees_whole_cells(person) else _hide_small(found)


def promise(run: Run, person: Person | None, filters: Filters) -> Count:
    """What the list now chosen promises and misses: one Count over area, school, grade and room. For people
    who see no learner always over everything they may count."""
    if sees_whole_cells(person):
        whole = [_with_intervals(run, person, filters, count) for count in _counts(run, person, filters, _ALL)]
    else:
        whole = _hide_small(_counts(run, person, Filters(), _ALL))
    return whole[0] if whole else Count("", "", learners=0, listed=0, not_scored=0)


def _with_intervals(run: Run, person: Person | None, filters: Filters, count: Count) -> Count:
    """The count with the intervals of its two expectations, drawn from the risks of the chosen children."""
    if count.expected_on_list is None or (count.learners or 0) > _DRAWN_ANEW:
        return count
    condition, values = counted_for(person)
    ends = _drawn(run, condition, tuple(values), _place(filters))
    return replace(count, on_list=ends.get(True, (0, 0)), off_list=ends.get(False, (0, 0)))


# The two caches: a run never changes, and whoever asks is part of the key by the very condition the rows are read with.
@lru_cache(maxsize=512)
def _drawn(run: Run, condition: str, values: tuple[str, ...], place: Filters) -> dict[bool, tuple[int, int]]:
    chosen, more = _chosen(place)
    found = run.columns(
        f"""SELECT s.risk, s.listed, s.school_id, coalesce(c.spread, 0) AS spread
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        WHERE {chosen} AND s.risk IS NOT NULL ORDER BY s.school_id, s.learner_id""",
        [*values, *more],
    )
    if not len(found["risk"]):
        return {}
    drawn = hits(found["risk"], found["listed"], found["school_id"], found["spread"], run.curves)
    return {bool(on): (int(low), int(high)) for on, low, high in drawn[["low", "high"]].itertuples()}


@dataclass(frozen=True)
class Figure:
    """A measured number: what it means, the time it was measured over, and its value for each way of choosing."""

    name: str
    meaning: str
    period: str
    values: tuple[str, ...]


# Ways of choosing children that run.json compares, and the figures it gives for each. Others keep their own words.
_WAYS = {
    "model": N_("This model"),
    "absence_10": N_("Away 10% of days or more"),
    "abc_flags": N_("Count of warning signs"),
    "school_only": N_("Choosing schools, not children"),
    "best_rule": N_("The best single rule of the years before"),
    "logistic": N_("A logistic regression on the same facts"),
    "demographics": N_("Age, grade and home alone"),
    "nominated": N_("Teachers' nominations alone"),
    "nominated_then_model": N_("Teachers' nominations, then the model"),
}
_MEASURES = {
    "n": (N_("Rows judged"), N_("Learners, once for each date they were looked at")),
    "base": (N_("Share who left"), N_("What a choice by chance would find")),
    "at_capacity / precision": (N_("Right on the lists"), N_("Share of those on the schools' lists who left")),
    "at_capacity / recall": (N_("Found by the lists"), N_("Share of all who left who were on the schools' lists")),
    "at_capacity / listed": (N_("On the list"), N_("Learners on the schools' lists, once for each date")),
    "at_capacity / recall_worst": (N_("Found, with bad luck"), N_("If equal scores at a list's end fall badly")),
    "at_capacity / recall_best": (N_("Found, with good luck"), N_("If equal scores at a list's end fall well")),
    "lead / weeks_median": (N_("Weeks ahead"), N_("From the first listing to the last day attended, the median")),
    "lead / share_60_days": (N_("Found in time"), N_("Share of all who left listed 60 days or more before")),
    "ap": (N_("Average precision"), N_("Precision at every length of list, averaged; chance gives the share who left")),
    "auc": (N_("Order"), N_("Chance that one who left stands above one who stayed; 0.5 is a coin")),
    "p10": (N_("Right among the highest"), N_("Share who left among the highest tenth of all")),
    "r10": (N_("Found by the highest"), N_("Share of all who left who were in the highest tenth")),
    "brier": (N_("Distance"), N_("Mean squared distance between chance and outcome; less is better")),
    "ece": (N_("Calibration gap"), N_("Mean gap between the share foreseen and the share seen; less is better")),
}
_ON_THE_CARD = ("against_model", "lead", "at_capacity")


def ways(run: Run, language: str = "th") -> list[str]:
    """The ways of choosing whose figures the run compares: its model first, then the plain rules."""
    say = speak(language)
    return [say(_WAYS.get(way, way)) for way in _compared(run)]


def _compared(run: Run) -> dict[str, dict[str, Any]]:
    compared = run.figures.get("compared", {})
    return {way: compared[way] for way in sorted(compared, key=lambda way: (way != "model", way))}


def figures(run: Run, language: str = "th") -> list[Figure]:
    """How well the model and the plain rules chose in a year none of them had seen, definition and period beside each
    number; 95 % intervals for the model. About nobody in particular, so for every signed-in person."""
    say = speak(language)
    judged = run.figures
    compared = {way: dict(_flat(values)) for way, values in _compared(run).items()}
    between = judged.get("intervals", {})
    learned = ", ".join(str(year) for year in judged.get("trained_on", [])) or "—"
    period = say(N_("academic year {year}; learned from {years}"), year=judged.get("year", "—"), years=learned)
    measured = {measure for values in compared.values() for measure in values}
    found = []
    others = sorted(m for m in measured - set(_MEASURES) if not m.startswith(_ON_THE_CARD))
    for measure in [*(m for m in _MEASURES if m in measured), *others]:
        name, meaning = _MEASURES.get(measure, (measure, "—"))
        values = tuple(
            _weeks(held.get(measure))
            if measure == "lead / weeks_median"
            else _figure(held.get(measure), between.get(measure) if way == "model" else None)
            for way, held in compared.items()
        )
        found.append(Figure(say(name), say(meaning), period, values))
    return found


def _weeks(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.0f}"


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name} / ")
        else:
            yield f"{above}{name}", value


def _figure(value: float | int | None, between: Sequence[float] | None = None) -> str:
    """A number in three digits, with its interval; – where it is undefined (no leaver: no recall)."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" + (f" ({between[0]:.3f}–{between[1]:.3f})" if between else "")


def classes(run: Run, person: Person | None, school_id: str = "") -> list[tuple[str, str]]:
    """Grade and room of the classes in which the person may see a learner, in school order."""
    condition, values = seen_by(person)
    chosen, more = _chosen(Filters(school=school_id, listed_only=False))
    found = run.kept(
        f"SELECT DISTINCT s.grade, coalesce(s.room, '') FROM (SELECT * FROM score WHERE {condition}) s WHERE {chosen}",
        [*values, *more],
    )
    named = ((grade, room) for grade, room in found if grade)
    return sorted(named, key=lambda place: place_order(*place))


def place_order(grade: str | None, room: str | None) -> tuple[int, int, str]:
    """Sorts classes as a school does: ม.3/2 before ม.3/10; a class without a grade last."""
    return GRADES.index(grade) if grade in GRADES else len(GRADES), len(room or ""), room or ""


# More children than this are not drawn anew at every click: a province of half a million would take seconds.
_DRAWN_ANEW = 60_000
_BY_SCHOOL, _BY_AREA, _ALL = ("s.school_id", "c.name"), ("s.area_id", "c.area_name"), ("''", "''")


def counted_for(person: Person | None) -> tuple[str, list[str]]:
    """raksa.access.where_counts, found as quickly as `seen_by`."""
    return seen_by(person) if sees_learners(person) else where_counts(person)


def _place(filters: Filters) -> Filters:
    """Of the filters only where: a promise is made for a school or a class, not for those who are new in it."""
    return Filters(filters.area, filters.school, filters.grade, filters.room, listed_only=False)


def _counts(run: Run, person: Person | None, filters: Filters, by: tuple[str, str]) -> list[Count]:
    """Counts of what the person may count, one row per value of `by` (an id and its name)."""
    condition, values = counted_for(person)
    expects = sees_score(person) or not sees_whole_cells(person)
    return list(_counted(run, condition, tuple(values), _place(filters), by, expects))


@lru_cache(maxsize=1024)
def _counted(
    run: Run, condition: str, values: tuple[str, ...], place: Filters, by: tuple[str, str], expects: bool
) -> tuple[Count, ...]:
    chosen, more = _chosen(place)
    found = run.rows(
        f"""
        SELECT coalesce({by[0]}, ''), coalesce(any_value({by[1]}), ''), count(DISTINCT s.school_id), count(*),
               count(*) FILTER (s.listed), count(*) FILTER (s.risk IS NULL),
               coalesce(sum(s.risk) FILTER (s.listed), 0), coalesce(sum(s.risk) FILTER (NOT s.listed), 0),
               max(c.last_mark_on),
               list(DISTINCT {{'school': s.school_id, 'capacity': coalesce(c.capacity, 0)}})
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        WHERE {chosen} GROUP BY {by[0]} ORDER BY 2 COLLATE th, 1
        """,
        [*values, *more],
    )
    return tuple(
        Count(
            id=row[0],
            name=row[1],
            schools=row[2],
            learners=row[3],
            listed=row[4],
            not_scored=row[5],
            capacity=sum(one["capacity"] for one in row[9]) if expects else None,
            expected_on_list=row[6] if expects else None,
            expected_off_list=row[7] if expects else None,
            last_mark_on=row[8],
        )
        for row in found
    )


def _hide_small(counts: list[Count]) -> list[Count]:
    """Counts under five taken out, for people who may see no learner behind them, and those with which the area's total
    would give them away (dashboard.small_cells)."""
    learners = _shown([c.learners for c in counts])
    listed = _shown([c.listed for c in counts])
    not_scored = _shown([c.not_scored for c in counts])
    # An expectation over few children says something about each of them: it goes with the count it belongs to.
    off_list = _shown([(c.learners or 0) - (c.listed or 0) - (c.not_scored or 0) for c in counts])
    shown = []
    for i, count in enumerate(counts):
        on = learners[i] is not None and listed[i] is not None
        shown.append(
            replace(
                count,
                learners=learners[i],
                listed=listed[i],
                not_scored=not_scored[i],
                capacity=count.capacity if learners[i] is not None else None,
                expected_on_list=count.expected_on_list if on else None,
                expected_off_list=count.expected_off_list if on and off_list[i] is not None else None,
            )
        )
    return shown


def _shown(cells: list[int | None]) -> list[int | None]:
    sizes = [cell or 0 for cell in cells]
    return [None if hidden else size for size, hidden in zip(sizes, small_cells.column(np.array(sizes)), strict=True)]


# -------------------------------------------------------------------------------- children
def seen_by(person: Person | None) -> tuple[str, list[str]]:
    """raksa.access.where, with the schools of a teacher's classes in front: a nation's table is laid out by school, so
    that a class is found in it without reading the others."""
    condition, values = where(person)
    of = sorted({value.partition("|")[0] for value in values if value.count("|") == 2})
    if not of:
        return condition, values
    return f"(school_id IN ({', '.join('?' * len(of))}) AND {condition})", [*of, *values]


def children(run: Run, person: Person | None, filters: Filters = Filters()) -> list[Child]:
    """The scored children the person may see, the greatest need first unless another order was chosen."""
    return _children(run, person, filters, "s.cannot_score IS NULL")


def children_of(run: Run, person: Person | None, learners: Iterable[int], sort: str = "need") -> list[Child]:
    """These of the children the person may see, scored or not."""
    numbers = ", ".join(str(int(learner)) for learner in learners)
    return _children(run, person, Filters(listed_only=False, sort=sort), f"s.learner_id IN ({numbers or 'NULL'})")


def how_many(run: Run, person: Person | None, filters: Filters) -> int:
    """How many children `children` would give without `top` and `skip`."""
    condition, values = seen_by(person)
    chosen, more = _chosen(filters, person)
    return int(
        run.kept(
            f"SELECT count(*) FROM (SELECT * FROM score WHERE {condition}) s WHERE s.cannot_score IS NULL AND {chosen}",
            [*values, *more],
        )[0][0]
    )


def cannot_score(run: Run, person: Person | None, filters: Filters = Filters()) -> list[Unscored]:
    """The children the person may see who have no score, with the reason and whose turn it is: those to be looked for
    at once first, then by name. Missing is not safe: this list stands beside the other one."""
    found = _children(run, person, replace(_unlisted(filters), sort="urgent"), "s.cannot_score IS NOT NULL")
    return [why_not(run, one) for one in found]


def gaps(run: Run, person: Person | None, filters: Filters = Filters()) -> list[Gap]:
    """The same by school and reason, what is most urgent first: children who are nowhere to be found, then the schools
    with the most children."""
    condition, values = seen_by(person)
    chosen, more = _chosen(_unlisted(filters), person)
    found = run.kept(
        f"SELECT s.school_id, s.cannot_score, count(*) FROM (SELECT * FROM score WHERE {condition}) s "
        f"WHERE s.cannot_score IS NOT NULL AND {chosen} GROUP BY s.school_id, s.cannot_score",
        [*values, *more],
    )
    urgent, listed = list(_WHY), []
    for code, reason, learners in found:
        school = _schools(run).get(code, _NO_SCHOOL)
        listed.append(Gap(code, school.name, reason, learners, *_words(reason, school.last_mark_on)))
    return sorted(listed, key=lambda gap: (urgent.index(gap.code), -gap.learners, gap.school_id))


def _unlisted(filters: Filters) -> Filters:
    """The filters without those that only a child on a list can fit."""
    return replace(filters, listed_only=False, family="", new=False)


def why_not(run: Run, child: Child) -> Unscored:
    """The same for one child the person may see already; `child.cannot_score` must be set."""
    code, last = child.cannot_score or "", _schools(run).get(child.school_id, _NO_SCHOOL).last_mark_on
    return Unscored(child, code, last, *_words(code, last))


def _words(code: str, last_mark_on: date | None) -> tuple[str, str, str, str]:
    """Why there is no score and whose turn it is, in Thai and English each."""
    why, turn = _WHY[code]
    thai, english = speak("th"), speak("en")
    th, en = thai(why), english(why)
    if code == "attendance_stopped" and last_mark_on:
        more = N_("Last day recorded: {day}.")
        th = f"{th} {thai(more, day=format_date(last_mark_on))}"
        en = f"{en} {english(more, day=format_date(last_mark_on, 'en'))}"
    return th, en, thai(turn), english(turn)


def child(run: Run, person: Person | None, learner_id: int) -> tuple[Child | None, Decision]:
    """One child, scored or not, and why the person may see it. None if there is no such child or it is
    refused: the two look alike from outside, the decision (for the log) tells them apart."""
    place = run.rows("SELECT school_id, area_id, grade, room FROM score WHERE learner_id = ?", [learner_id])
    if not place:
        return None, Decision(False, "not in this run")
    decision = decide(person, *place[0])
    if not decision.allowed:
        return None, decision
    one = _children(run, person, Filters(listed_only=False), f"s.learner_id = {int(learner_id)}")
    return one[0], decision


def _children(run: Run, person: Person | None, filters: Filters, extra: str) -> list[Child]:
    condition, values = seen_by(person)
    chosen, more = _chosen(filters, person)
    score = "s.risk, s.rank" if sees_score(person) else "NULL, NULL"
    order = _ORDERS.get(filters.sort, _ORDERS["need"])
    # Names and signals of a nation are long tables: names are looked for where the person's children are, and only a
    # page cut out in an order by them reads either before it is cut.
    near, where_from = _near(person)
    names = f"LEFT JOIN (SELECT * FROM roster WHERE {near}) r USING (learner_id) "
    signals = "LEFT JOIN signal g USING (learner_id) "
    cut = (
        ""
        if filters.top is None and not filters.skip
        else (f"ORDER BY {order} LIMIT {'ALL' if filters.top is None else int(filters.top)} OFFSET {int(filters.skip)}")
    )
    by_name, by_signal = "r." in cut, "g." in cut
    ask = run.kept if filters.top is not None and filters.top <= _PAGE else run.rows
    found = ask(
        f"""
        WITH s AS MATERIALIZED (
            SELECT s.* FROM (SELECT * FROM score WHERE {condition}) s
            {names if by_name else ""} {signals if by_signal else ""}
            WHERE {extra} AND {chosen} {cut}
        )
        SELECT s.learner_id, s.area_id, s.school_id, s.grade, s.room,
               r.roll_number, r.student_number, r.prefix, r.first_name, r.last_name, s.listed,
               r.guardian_name, r.guardian_relation, r.phone, s.cannot_score, s.newly_listed, g.away_28d, {score}
        FROM s {names} {signals}
        ORDER BY {order}
        """,
        [*values, *(where_from if by_name else ()), *more, *where_from],
    )
    why = _reasons(run, person, [row[0] for row in found if row[14] is None], ask)  # unscored, there are none
    home = run.folder.parents[1]
    return [
        Child(
            learner_id=row[0],
            key=key_of(home, row[0]),
            area_id=row[1],
            area=_schools(run).get(row[2], _NO_SCHOOL).area,
            school_id=row[2],
            school=_schools(run).get(row[2], _NO_SCHOOL).name,
            grade=row[3],
            room=row[4],
            roll_number=row[5],
            student_number=row[6],
            name=full_name(row[7], row[8], row[9]),
            listed=row[10],
            guardian_name=row[11],
            guardian_relation=row[12],
            phone=row[13],
            cannot_score=row[14],
            new=row[15],
            away_28d=row[16],
            risk=row[17],
            rank=row[18],
            reasons=why.get(row[0], ()),
        )
        for row in found
    ]


def _reasons(run: Run, person: Person | None, learners: list[int], ask: _Ask) -> dict[int, tuple[Reason, ...]]:
    found: dict[int, list[Reason]] = {}
    if not learners:
        return {}
    for learner, *reason in ask(
        "SELECT learner_id, family, text_th, text_en, lower_th, lower_en, feature FROM reason "
        "WHERE learner_id IN (SELECT unnest(?::BIGINT[])) ORDER BY learner_id, position",
        [learners],
    ):
        found.setdefault(learner, []).append(Reason(*reason))
    return {learner: discreet(person, reasons) for learner, reasons in found.items()}


# Of the home, what a class teacher reads: who the child lives with and how far it is. Not what the family has.
_HOME_FOR_TEACHERS = frozenset({"away_from_parents", "distance_km", "travel_minutes"})
_AT_HOME = N_("Something about the family's means; the head of the school knows more.")


def discreet(person: Person | None, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons as the person may read them. Poverty is there to give help by and not to label with: only those who
    plan help read of it (FIELD 2.14), a class teacher that there is something and whom to ask."""
    if sees_score(person):
        return tuple(reasons)
    veiled = Reason("home", speak("th")(_AT_HOME), speak("en")(_AT_HOME))
    return tuple(veiled if one.family == "home" and one.feature not in _HOME_FOR_TEACHERS else one for one in reasons)


def _chosen(filters: Filters, person: Person | None = None) -> tuple[str, list[object]]:
    """The filters as a SQL condition over s (score). `person` only says where names need to be looked
    for; what may be seen is asked elsewhere."""
    parts: list[str] = ["TRUE"]
    values: list[object] = []
    for column, name, value in (
        ("area_id", "area_name", filters.area),
        ("school_id", "name", filters.school),
    ):
        if value:
            named = f"SELECT {column} FROM school WHERE contains({name}, ?)"
            parts.append(f"(s.{column} = ? OR s.{column} IN ({named}))")
            values += [value, value]
    for column, value in (("s.grade", filters.grade), ("s.room", filters.room)):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if filters.listed_only:
        parts.append("s.listed")
    if filters.new:
        parts.append("s.newly_listed")
    if filters.unwritten:
        parts.append("s.learner_id NOT IN (SELECT unnest(?::BIGINT[]))")
        values.append(sorted(filters.written))
    if filters.family:
        parts.append("s.learner_id IN (SELECT learner_id FROM reason WHERE family = ?)")
        values.append(filters.family)
    if key := search_key(filters.search):
        near, where_from = _near(person)
        named = f"SELECT learner_id FROM roster WHERE {near} AND (contains(name_key, ?) OR student_number = ?)"
        parts.append(f"s.learner_id IN ({named})")
        values += [*where_from, key, filters.search.strip()]
    return " AND ".join(parts), values


def _near(person: Person | None) -> tuple[str, list[str]]:
    """The schools or areas a person's children are in, as a condition over roster: a nation's names are laid out so,
    and a search reads those of one area without the rest."""
    scopes = () if person is None else person.scopes
    areas = [scope.value for scope in scopes if scope.kind == "area"]
    schools = sorted({scope.value.partition("|")[0] for scope in scopes if scope.kind in ("class", "school")})
    column, values = ("area_id", areas) if areas else ("school_id", schools)
    return (f"{column} IN ({', '.join('?' * len(values))})", values) if values else ("TRUE", [])


def full_name(prefix: str | None, first: str | None, last: str | None) -> str:
    """เด็กหญิงมะลิ ใจดี: the prefix is joined without a space (DOMAIN 12)."""
    return f"{prefix or ''}{first or ''} {last or ''}".strip() or "—"


# -------------------------------------------------------------------------------- as files
def about(expected: float, language: str = "th", between: tuple[int, int] | None = None) -> str:
    """An expected number of children as a person says it, with its interval; decimals would promise more than is known.

    >>> about(0.2, "en"), about(5.7, "en"), about(5.7, "en", (3, 9))
    ('fewer than one', 'about 6', 'about 6 (3–9)')
    """
    say = speak(language)
    said = say(N_("fewer than one")) if expected < 0.5 else say(N_("about {n}"), n=round(expected))
    return f"{said} ({between[0]}–{between[1]})" if between else said


def families(language: str = "th") -> dict[str, str]:
    """Families of reasons, as the feature registry names them."""
    return {family: names[("th", "en").index(language)] for family, names in FAMILIES.items()}


def columns_for(person: Person | None) -> tuple[str, ...]:
    """Columns that exist for this person, in order. For a teacher there is no risk and no rank."""
    return tuple(c for c in COLUMNS if sees_score(person) or c not in ("rank", "risk"))


def usual_columns(person: Person | None) -> tuple[str, ...]:
    """The columns a table and a file begin with, until somebody chooses others."""
    left_out = ("area", "roll_number", "student_number", "listed", "rank", "guardian_relation")
    return tuple(c for c in columns_for(person) if c not in left_out)


def columns_asked(person: Person | None, query: Mapping[str, str]) -> tuple[str, ...]:
    """The columns an address asks for, in its order; all that exist for this person where it names none of them."""
    allowed = columns_for(person)
    named = dict.fromkeys(query.get("cols", "").split(","))
    return tuple(c for c in named if c in allowed) or allowed


def as_table(rows: Iterable[Child], columns: Sequence[str], language: str = "th") -> pd.DataFrame:
    """The list as a table, one row per child, with headings and reasons in the language."""
    say = speak(language)
    cells = [[_cell(row, column, language) for column in columns] for row in rows]
    return pd.DataFrame(cells, columns=[say(COLUMNS[c]) for c in columns], dtype=object)


def _cell(row: Child, column: str, language: str) -> object:
    say = speak(language)
    if column == "reasons":
        return " / ".join(getattr(reason, language) for reason in row.reasons)
    if column in ("listed", "new"):
        held = getattr(row, column)
        return None if held is None else say(N_("yes")) if held else say(N_("no"))
    if column == "risk":
        return None if row.risk is None else round(row.risk, 3)
    return getattr(row, column)


def lines(
    run: Run, person: Person | None, filters: Filters, language: str = "th", *, unscored: bool = False
) -> list[dict[str, object]]:
    """The list, or who cannot be scored, as rows for the command line: names of columns that stay the same in every
    language, sentences in the one asked for.

    Raises RaksaError for a role that sees no learner, and for an area, school or grade that is not there: a misspelt
    name must not look like a place where nobody needs anyone."""
    if person is not None and not sees_learners(person):
        raise RaksaError(f"{person.username} has the role {person.role}, which sees no learner. Use another --as.")
    if filters.area and not schools(run, person, Filters(area=filters.area)):
        raise RaksaError(f"No service area {filters.area!r} in this run. Write its code or a part of its name.")
    if filters.school and not schools(run, person, Filters(area=filters.area, school=filters.school)):
        raise RaksaError(f"No school {filters.school!r} in this run. Write its code or a part of its name.")
    if filters.family and filters.family not in FAMILIES:
        raise RaksaError(f"No family of reasons {filters.family!r}. Families are {', '.join(FAMILIES)}.")
    if filters.grade and filters.grade not in GRADES:
        raise RaksaError(f"No grade {filters.grade!r}. Grades are {', '.join(GRADES)}.")
    columns = columns_for(person)
    if not unscored:
        return [{c: _cell(row, c, language) for c in columns} for row in children(run, person, filters)]
    place = [c for c in columns if c not in ("listed", "rank", "risk", "reasons")]
    return [
        {c: _cell(row.child, c, language) for c in place}
        | {"why": getattr(row, f"why_{language}"), "whose_turn": getattr(row, f"turn_{language}")}
        for row in cannot_score(run, person, filters)
    ]


def only(rows: list[dict[str, object]], columns: Sequence[str]) -> list[dict[str, object]]:
    """The rows with these columns alone, in this order. Raises RaksaError for a column the rows do not have."""
    unknown = [c for c in columns if rows and c not in rows[0]]
    if unknown:
        raise RaksaError(f"No column {unknown[0]!r} for this account. Columns: {', '.join(rows[0])}.")
    return [{c: row[c] for c in columns} for row in rows]


def with_contacts(settings: Settings, run: Run, person: Person | None, filters: Filters) -> Filters:
    """The filters with the learners about whom somebody has written lately, for the command line."""
    accounts = Accounts.open(settings)
    try:
        return replace(filters, written=written_lately(run, person, accounts.people))
    finally:
        accounts.close()


def person_named(settings: Settings, username: str) -> Person:
    """The account of that name, to see what its pages show. Raises RaksaError if there is none."""
    accounts = Accounts.open(settings)
    try:
        person = accounts.person(username)
    finally:
        accounts.close()
    if person is None:
        raise RaksaError(f"There is no account {username}. `raksa people list` names those there are.")
    return person


def note_listing(settings: Settings, person: Person | None, filters: Filters, count: int, now: datetime) -> None:
    """Write a list printed on the command line to the audit log."""
    accounts = Accounts.open(settings)
    try:
        about = f"{filters}, {count} rows" + (f", as {person.username}" if person else "")
        record(accounts.people, Entry(now, "operator", "print_list", None, about, "operator"))
    finally:
        accounts.close()


def as_csv(rows: Iterable[Child], columns: Sequence[str], language: str = "th") -> bytes:
    """The list as CSV for Excel: UTF-8 with BOM (without it Excel shows garbage), no cell a formula.

    >>> as_csv([], ["name"], "en")
    b'\\xef\\xbb\\xbfName\\r\\n'
    """
    table = as_table(rows, columns, language)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([_harmless(cell) for cell in row] for row in table.itertuples(index=False, name=None))
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV
    injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def as_xlsx(rows: Iterable[Child], columns: Sequence[str], language: str = "th") -> bytes:
    """The list as an Excel file; text stays text, whatever it begins with."""
    import xlsxwriter

    table = as_table(rows, columns, language)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Raksa")
        sheet.freeze_panes(1, 0)
        heading = book.add_format({"bold": True, "bottom": 1})
        for x, (column, title) in enumerate(zip(columns, table.columns, strict=True)):
            sheet.write_string(0, x, title, heading)
            sheet.set_column(x, x, {"reasons": 60, "school": 24, "name": 24}.get(column, 14))
        for y, row in enumerate(table.itertuples(index=False, name=None), start=1):
            for x, cell in enumerate(row):
                if isinstance(cell, str):  # a text is never read as a formula, a link or a number
                    sheet.write_string(y, x, cell)
                elif cell is not None:
                    sheet.write_number(y, x, cell)
    return out.getvalue()
