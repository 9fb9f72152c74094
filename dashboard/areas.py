"""What the area page shows: schools beside each other, counts, who changes school next, contacts, weeks, a report.

No Streamlit here. Every function takes the person it answers and puts `raksa.access.where_counts` into its query. For
people who may see no child, small counts are hidden in all of it by `dashboard.small_cells`, area by area: they choose
one area for a table of two traits, so that no choice shows what another one hides.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlalchemy import Engine

from care.contacts import last_contacts
from care.since import runs
from dashboard import small_cells
from dashboard.language import N_, speak
from dashboard.roster import Count, Filters, Run, areas, families, promise
from models.uncertainty import hits
from raksa.access import Person, sees_learners, sees_whole_cells, where, where_counts
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import GRADES
from raksa.thai import format_date

TRAITS = {"school": N_("School"), "grade": N_("Grade"), "sex": N_("Sex"), "need": N_("Need")}
WHOM = {
    "learners": N_("All children"),
    "listed": N_("On the list"),
    "cannot_score": N_("Cannot be estimated"),
}
SEXES = {"female": N_("Girls"), "male": N_("Boys"), "": N_("Sex not known")}
LAST_GRADES = ("ป.6", "ม.3", "ม.6")  # after these a child must be taken in by another level, often another school
CONTACT_DAYS = 30
WEEKS = 26


@dataclass(frozen=True)
class _Kept:
    """An open run as the key of what is kept about it: the folder says which run it is, and a run never changes."""

    folder: Path
    run: Run = field(compare=False, repr=False)


# -------------------------------------------------------------------------------- schools beside each other
@dataclass(frozen=True)
class School:
    """One school of the run, in numbers the person may see; None = hidden, or nobody there could be estimated.

    `expected` is how many of those who could be estimated would leave by the run's horizon (sum of calibrated chances);
    `low` and `high` hold the true number at least nine times in ten. The three `per_100` are the same for each hundred
    who could be estimated. The model has drawn small schools towards the others already (`models.pooling`), and
    their intervals are wide. latitude and longitude in degrees, None = not known.
    """

    id: str
    name: str
    area: str
    learners: int | None
    listed: int | None
    not_scored: int | None
    expected: float | None
    low: int | None
    high: int | None
    per_100: tuple[float, float, float] | None
    last_mark_on: date | None
    latitude: float | None
    longitude: float | None


def schools(run: Run, person: Person | None, area: str = "") -> list[School]:
    """The schools the person may count, the surest need first: by the lower end of the interval for each hundred
    children, so that a small school with one unlucky number does not stand above a large one; then by the share
    itself. Schools of which nothing can be said come last."""
    found = _schools(_Kept(run.folder, run), *_scope(person), sees_whole_cells(person))
    mine = [one for one in found if not area or one[0] == area]
    return [school for _, school in sorted(mine, key=lambda one: _order(one[1]))]


def _order(school: School) -> tuple[Any, ...]:
    share, low, _ = school.per_100 or (-1.0, -1.0, -1.0)
    return -low, -share, school.name, school.id


@lru_cache(maxsize=64)
def _schools(held: _Kept, condition: str, values: tuple[str, ...], whole: bool) -> list[tuple[str, School]]:
    """Each school with its area's id; what is hidden is hidden here, whatever is chosen later. Kept for each scope."""
    rows = held.run.rows(
        f"""SELECT c.area_id, s.school_id, coalesce(any_value(c.name), s.school_id), any_value(c.area_name),
               count(*), count(*) FILTER (s.listed), count(*) FILTER (s.risk IS NULL), coalesce(sum(s.risk), 0),
               any_value(c.on_list_low + c.off_list_low), any_value(c.on_list_high + c.off_list_high),
               any_value(c.last_mark_on), any_value(c.latitude), any_value(c.longitude)
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        GROUP BY c.area_id, s.school_id ORDER BY c.area_id, s.school_id""",
        values,
    )
    hidden = np.zeros((len(rows), 3), dtype=bool)
    if not whole:
        of_area = np.array([row[0] or "" for row in rows])
        counts = np.array([row[4:7] for row in rows], dtype=int).reshape(len(rows), 3)
        for area in np.unique(of_area):
            at = of_area == area
            hidden[at] = np.column_stack([small_cells.column(counts[at, n]) for n in range(3)])
    return [(row[0] or "", _school(row, hide, whole)) for row, hide in zip(rows, hidden, strict=True)]


def _school(row: tuple[Any, ...], hide: np.ndarray, whole: bool) -> School:
    _, id, name, area, learners, listed, not_scored, expected, low, high, last_mark_on, latitude, longitude = row
    scored = learners - not_scored
    # A sum over few children says something about each of them; decimals would give the count it was divided by.
    told = scored > 0 and not (hide[0] or hide[1])
    high = min(high, scored)
    per_100 = [100 * n / scored for n in (expected, low, high)] if told else []
    if not whole:
        expected, per_100 = float(round(expected)), [float(round(n)) for n in per_100]
    return School(
        id=id, name=name, area=area or "",
        learners=None if hide[0] else learners,
        listed=None if hide[1] else listed,
        not_scored=None if hide[2] else not_scored,
        expected=expected if told else None,
        low=low if told else None,
        high=high if told else None,
        per_100=(per_100[0], per_100[1], per_100[2]) if told else None,
        last_mark_on=last_mark_on, latitude=latitude, longitude=longitude,
    )  # fmt: skip


def _scope(person: Person | None) -> tuple[str, tuple[str, ...]]:
    condition, values = where_counts(person)
    return condition, tuple(values)


# -------------------------------------------------------------------------------- counts by two traits
@dataclass(frozen=True)
class Cross:
    """Counts of children by two traits. A cell is None where it is hidden, and `there` is False where there can be
    nobody (a primary school has no ม.3). Totals of columns and rows likewise; rows of `need` overlap (a child has
    several reasons), so there is no total across them, nor of all. `estimated` is False where none of the children can
    be estimated: nobody can be on a list there, which is no 0; likewise of rows and of columns."""

    rows: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    cells: tuple[tuple[int | None, ...], ...]
    there: tuple[tuple[bool, ...], ...]
    row_totals: tuple[int | None, ...] | None
    column_totals: tuple[int | None, ...]
    total: int | None
    estimated: tuple[tuple[bool, ...], ...]
    rows_estimated: tuple[bool, ...]
    columns_estimated: tuple[bool, ...]

    def row(self, at: int) -> list[tuple[int | None, bool, bool]]:
        """One row's cells and its total, if it has one: the count, whether anybody can be there, whether any of them
        can be estimated."""
        found = list(zip(self.cells[at], self.there[at], self.estimated[at], strict=True))
        return found if self.row_totals is None else [*found, (self.row_totals[at], True, self.rows_estimated[at])]

    def together(self) -> list[tuple[int | None, bool, bool]]:
        """The totals of the columns as a row like the others, with the total of all, if there is one."""
        found = [(n, True, known) for n, known in zip(self.column_totals, self.columns_estimated, strict=True)]
        return found if self.row_totals is None else [*found, (self.total, True, True)]


def needs(language: str = "th") -> dict[str, str]:
    """Whom a table can count: all, the listed, the listed with a reason of each family, those not estimated."""
    say = speak(language)
    listed = {code: say(words) for code, words in WHOM.items() if code != "cannot_score"}
    with_reason = {code: say(N_("On the list for: {reason}"), reason=name) for code, name in families(language).items()}
    return listed | with_reason | {"cannot_score": say(WHOM["cannot_score"])}


def cross(
    run: Run, person: Person | None, rows: str, columns: str, whom: str = "listed", area: str = "", language: str = "th"
) -> Cross:
    """Children counted by two of TRAITS: `rows` is school, grade or sex, `columns` another of these or need.

    `whom` (of `needs`) are the children counted; with need in the columns each is a column and `whom` is not asked.
    People who see no child must name one area they may count. Raises RaksaError for anything else.
    """
    if rows not in ("school", "grade", "sex") or columns not in TRAITS or rows == columns:
        raise RaksaError(f"No table of {rows} by {columns}: rows are school, grade or sex, columns another or need.")
    if whom not in needs():
        raise RaksaError(f"Nobody is counted as {whom!r}. Count one of {', '.join(needs())}.")
    if not sees_whole_cells(person) and area not in {one.id for one in areas(run, person)}:
        raise RaksaError("A table of two traits is of one service area for this account. Choose the area.")

    def counted(these: str) -> tuple[Any, ...]:
        return _cross(_Kept(run.folder, run), *_scope(person), sees_whole_cells(person), area, rows, columns, these)

    held, names = counted(whom), _names(_Kept(run.folder, run), language)
    return Cross(
        tuple((code, names.get((rows, code)) or code) for code in held[0]),
        tuple((code, names.get((columns, code)) or code) for code in held[1]),
        *held[2:],
        *_estimated(held, whom, counted("learners"), counted("cannot_score"), columns == "need"),
    )


def _estimated(
    held: tuple[Any, ...], whom: str, of_all: tuple[Any, ...], missing: tuple[Any, ...], need: bool
) -> tuple[Any, ...]:
    """Where somebody can be estimated: cells, rows, columns. Told from the counts the person may see and no others."""

    def some(all_of: Sequence[int | None], without: Sequence[int | None]) -> tuple[bool, ...]:
        return tuple(a is None or a != b for a, b in zip(all_of, without, strict=True))

    down, across, cells, _, _, column_totals, _ = held
    if need:
        everybody, unknown = across.index("learners"), across.index("cannot_score")
        rows = some([line[everybody] for line in cells], [line[unknown] for line in cells])
        always = {everybody, unknown}
        found = tuple(tuple(n in always or row for n in range(len(across))) for row in rows)
        whole = some([column_totals[everybody]], [column_totals[unknown]])[0]
        return found, rows, tuple(n in always or whole for n in range(len(across)))
    if whom in ("learners", "cannot_score"):
        return tuple((True,) * len(across) for _ in down), (True,) * len(down), (True,) * len(across)
    found = tuple(some(a, b) for a, b in zip(of_all[2], missing[2], strict=True))
    return found, some(of_all[4], missing[4]), some(of_all[5], missing[5])


@lru_cache(maxsize=64)
def _names(held: _Kept, language: str) -> Mapping[tuple[str, str], str]:
    say = speak(language)
    schools = {("school", id): name for id, name in held.run.rows("SELECT school_id, name FROM school")}
    sexes = {("sex", code): say(words) for code, words in SEXES.items()}
    return schools | sexes | {("need", code): words for code, words in needs(language).items()}


def _is(whom: str) -> tuple[str, list[str]]:
    """The children counted, as a condition over s (score)."""
    plain = {"learners": "TRUE", "listed": "s.listed", "cannot_score": "s.risk IS NULL"}
    if whom in plain:
        return plain[whom], []
    return "s.listed AND s.learner_id IN (SELECT learner_id FROM reason WHERE family = ?)", [whom]


@lru_cache(maxsize=256)
def _cross(
    held: _Kept, condition: str, values: tuple[str, ...], whole: bool, area: str, rows: str, columns: str, whom: str
) -> tuple[Any, ...]:
    """Codes of rows and columns, cells, whether anybody can be there, totals. Kept for each scope and choice."""
    need = columns == "need"
    counted = list(needs()) if need else [whom]
    is_, asked = zip(*map(_is, counted), strict=True)
    kept = f"({condition})" + (" AND area_id = ?" if area else "")
    given = [*(one for more in asked for one in more), *values, *([area] if area else [])]
    column = {"school": "s.school_id", "grade": "s.grade", "sex": "s.sex"}
    other = "''" if need else column[columns]
    found = held.run.rows(
        f"SELECT coalesce({column[rows]}, ''), coalesce({other}, ''), count(*), "
        + ", ".join(f"count(*) FILTER ({one})" for one in is_)
        + f" FROM (SELECT * FROM score WHERE {kept}) s GROUP BY 1, 2",
        given,
    )
    names = _names(held, "th")
    down = sorted({row[0] for row in found}, key=lambda code: _place(rows, code, names))
    across = counted if need else sorted({row[1] for row in found}, key=lambda code: _place(columns, code, names))
    cells = np.zeros((len(down), len(across)), dtype=int)
    there = np.full(cells.shape, need)
    for row in found:
        at = down.index(row[0])
        if need:
            cells[at] = row[3:]
        else:
            cells[at, across.index(row[1])], there[at, across.index(row[1])] = row[3], True
    hidden, of_rows, of_columns = _hide(cells, there, need, whole)
    return (
        tuple(down),
        tuple(across),
        tuple(_told(line, hide) for line, hide in zip(cells, hidden, strict=True)),
        tuple(tuple(map(bool, line)) for line in there),
        None if need else _told(cells.sum(1), of_rows),
        _told(cells.sum(0), of_columns),
        # Whoever has no whole cells may know the sum of an area, unless it is small itself (small_cells.column).
        int(cells.sum()) if not need and (whole or cells.sum() >= small_cells.SMALLEST_CELL) else None,
    )


def _place(trait: str, code: str, names: Mapping[tuple[str, str], str]) -> tuple[Any, ...]:
    if trait == "grade":
        return (GRADES.index(code) if code in GRADES else len(GRADES), code)
    if trait == "sex":
        return (list(SEXES).index(code), code)
    return (names.get((trait, code), code), code)


def _hide(cells: np.ndarray, there: np.ndarray, need: bool, whole: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if whole or not cells.size:
        return np.zeros(cells.shape, bool), np.zeros(len(cells), bool), np.zeros(cells.shape[1], bool)
    if need:  # each column is a sum of its own, of the area's total
        hidden = np.column_stack([small_cells.column(cells[:, n]) for n in range(cells.shape[1])])
        return hidden, np.zeros(len(cells), bool), cells.sum(0) < small_cells.SMALLEST_CELL
    of_rows, of_columns = small_cells.column(cells.sum(1)), small_cells.column(cells.sum(0))
    return small_cells.table(cells, there, of_rows, of_columns), of_rows, of_columns


def _told(counts: np.ndarray, hidden: np.ndarray) -> tuple[int | None, ...]:
    return tuple(None if hide else int(n) for n, hide in zip(counts, hidden, strict=True))


# -------------------------------------------------------------------------------- who changes school next
@dataclass(frozen=True)
class Transition:
    """The children of one school in a last grade. `expected` of those who could be estimated would be on no school's
    list by the run's horizon, and `low` to `high` holds the true number nine times in ten; None = hidden, or nobody
    could be estimated."""

    school_id: str
    school: str
    grade: str
    learners: int | None
    listed: int | None
    not_scored: int | None
    expected: float | None
    low: int | None
    high: int | None


def transitions(run: Run, person: Person | None, area: str = "", language: str = "th") -> list[Transition]:
    """Each school's ป.6, ม.3 and ม.6, where most of those who go on nowhere are lost; by grade, then the largest
    expectation first. What is hidden is what the tables of school by grade hide."""
    tables = [cross(run, person, "school", "grade", whom, area, language) for whom in WHOM]
    sums = _leaving(_Kept(run.folder, run), *_scope(person))
    whole, found = sees_whole_cells(person), []
    for at, (school, name) in enumerate(tables[0].rows):
        for n, (grade, _) in enumerate(tables[0].columns):
            if grade not in LAST_GRADES or not tables[0].there[at][n]:
                continue
            learners, listed, not_scored = (table.cells[at][n] for table in tables)
            chance, low, high = sums.get((school, grade), (None, None, None))
            if chance is not None and not whole:
                told = learners is not None and listed is not None
                chance, low, high = (float(round(chance)), low, high) if told else (None, None, None)
            found.append(Transition(school, name, grade, learners, listed, not_scored, chance, low, high))
    return sorted(found, key=lambda one: (LAST_GRADES.index(one.grade), -(one.expected or 0), one.school))


@lru_cache(maxsize=64)
def _leaving(held: _Kept, condition: str, values: tuple[str, ...]) -> dict[tuple[str, str], tuple[float, int, int]]:
    """School and last grade -> how many would leave, and its interval, as the schools have theirs."""
    rows = held.run.columns(
        f"""SELECT s.risk, s.school_id || '|' || s.grade AS class, s.school_id, coalesce(c.spread, 0) AS spread
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        WHERE s.grade IN (?, ?, ?) AND s.risk IS NOT NULL ORDER BY s.school_id, s.grade, s.learner_id""",
        [*values, *LAST_GRADES],
    )
    if not len(rows["risk"]):
        return {}
    drawn = hits(rows["risk"], rows["class"], rows["school_id"], rows["spread"], held.run.curves)
    return {
        (str(name).rpartition("|")[0], str(name).rpartition("|")[2]): (float(expected), int(low), int(high))
        for name, expected, low, high in drawn[["expected", "low", "high"]].itertuples()
    }


# -------------------------------------------------------------------------------- contacts
@dataclass(frozen=True)
class Contacted:
    """Of a school's listed children: how many somebody has been in contact with lately, and how many not. None where
    nobody can be estimated, so that there is no list."""

    school_id: str
    school: str
    listed: int | None
    contacted: int | None

    @property
    def waiting(self) -> int | None:
        return None if self.listed is None or self.contacted is None else self.listed - self.contacted


def contacted(run: Run, people: Engine, person: Person | None, today: date, area: str = "") -> list[Contacted]:
    """The schools, most children on the list without any contact in the last 30 days first, those without a list last.
    Only for those who may see the children; nobody else gets a row."""
    condition, values = where(person)
    found = run.rows(
        f"""SELECT s.school_id, coalesce(any_value(c.name), s.school_id), count(s.risk) > 0,
            coalesce(list(s.learner_id) FILTER (s.listed), [])
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        {"WHERE s.area_id = ?" if area else ""} GROUP BY s.school_id""",
        [*values, *([area] if area else [])],
    )
    since = today - timedelta(days=CONTACT_DAYS)
    lately = {learner for learner, day in last_contacts(people, person).items() if day >= since} if found else set()
    rows = [
        Contacted(school, name, len(listed), len(lately.intersection(listed)))
        if known
        else Contacted(school, name, None, None)
        for school, name, known, listed in found
    ]
    return sorted(rows, key=lambda one: (one.waiting is None, -(one.waiting or 0), one.school))


# -------------------------------------------------------------------------------- weeks
@dataclass(frozen=True)
class Week:
    """One run in numbers. `recorded` is the share of the last four weeks' school days that have a mark, 0 to 1, the
    mean over children; None where the run did not keep it. A count is None where it is hidden."""

    run: str
    as_of: date
    learners: int | None
    listed: int | None
    not_scored: int | None
    recorded: float | None


def weeks(run: Run, person: Person | None, area: str = "") -> list[Week]:
    """The newest 26 runs of the store, oldest first, of what the person may count."""
    condition, values = _scope(person)
    if area:
        if area not in {one.id for one in areas(run, person)}:
            return []
        condition, values = f"({condition}) AND area_id = ?", (*values, area)
    home = run.folder.parent.parent
    found = [_week(home / "runs" / name, condition, values) for name in runs(Store(home))[:WEEKS]]
    least = 0 if sees_whole_cells(person) else small_cells.SMALLEST_CELL
    return [
        Week(name, date.fromisoformat(name[:10]), *_at_least(least, counts), recorded)
        for name, counts, recorded in reversed(found)
        if counts[0]
    ]


def _at_least(least: int, counts: tuple[int, int, int]) -> tuple[int | None, int | None, int | None]:
    n, listed, missing = (one if one >= least else None for one in counts)
    return n, listed, missing


@lru_cache(maxsize=1024)  # a run never changes
def _week(folder: Path, condition: str, values: tuple[str, ...]) -> tuple[str, tuple[int, int, int], float | None]:
    with duckdb.connect(str(folder / "scores.duckdb"), read_only=True) as con:
        counted = "SELECT count(*), count(*) FILTER (listed), count(*) FILTER (risk IS NULL) FROM score WHERE "
        counted += condition
        counts = con.execute(counted, list(values)).fetchall()[0]
        recorded = None
        if con.execute("SELECT 1 FROM information_schema.tables WHERE table_name = 'signal'").fetchone():
            asked = f"SELECT avg(recorded_share_28d) FROM signal JOIN score USING (learner_id) WHERE {condition}"
            recorded = con.execute(asked, list(values)).fetchall()[0][0]
    return folder.name, counts, recorded


# -------------------------------------------------------------------------------- the figures an area reports
@dataclass(frozen=True)
class Figure:
    """One number of the report: what it is, its value as people read it, what it means and of when it is."""

    name: str
    value: str
    meaning: str
    period: str


def report(
    run: Run, people: Engine, person: Person | None, today: date, area: str = "", language: str = "th"
) -> list[Figure]:
    """The figures an area reports, each with its definition, its period and, where it is an estimate, its interval."""
    _ = speak(language)
    one = _whole(run, person, area)
    as_of, horizon = format_date(run.as_of, language), format_date(run.horizon, language)
    now, then = _("on {day}", day=as_of), _("{day} to {horizon}", day=as_of, horizon=horizon)
    found = [
        Figure(_("Number of schools"), f"{one.schools:,}", _("Schools with children on their books."), now),
        Figure(_("Children"), _count(_, one.learners), _("Children on the schools' books."), now),
        Figure(_("On the list"), _count(_, one.listed),
               _("As many as the schools can see to, the greatest need first."), now),
        Figure(_("Cannot be estimated"), _count(_, one.not_scored),
               _("Children of whom too little is known; not being on the list does not mean they are fine."), now),
        Figure(_("Expected to leave, on the list"), _estimate(_, one.expected_on_list, one.on_list),
               _("On no school's list by the end of the period; the brackets hold the true number nine times in ten."),
               then),
        Figure(_("Expected to leave, not on the list"), _estimate(_, one.expected_off_list, one.off_list),
               _("The same of the children who could be estimated and are not on the list."), then),
    ]  # fmt: skip
    if sees_learners(person):
        done = contacted(run, people, person, today, area)
        period = _("{day} to {horizon}", day=format_date(today - timedelta(days=CONTACT_DAYS), language),
                   horizon=format_date(today, language))  # fmt: skip
        found += [
            Figure(_("On the list, with a contact"), f"{sum(s.contacted or 0 for s in done):,}",
                   _("A visit, call, talk, letter or note that somebody wrote down."), period),
            Figure(_("On the list, nobody has written anything"), f"{sum(s.waiting or 0 for s in done):,}",
                   _("Whether somebody acted without writing it down is not known."), period),
        ]  # fmt: skip
    for grade in LAST_GRADES:
        total = _grade(run, person, area, grade)
        if total is not None:
            found.append(
                Figure(_("Children in {grade}", grade=grade), _count(_, total[0]),
                       _("They change school or finish after this year. On the list: {n}.", n=_count(_, total[1])), now)
            )  # fmt: skip
    return found


def _whole(run: Run, person: Person | None, area: str) -> Count:
    if sees_whole_cells(person):
        return promise(run, person, Filters(area=area, listed_only=False))
    if not area:
        return promise(run, person, Filters())
    return next((one for one in areas(run, person) if one.id == area), Count("", ""))


def _grade(run: Run, person: Person | None, area: str, grade: str) -> tuple[int | None, int | None] | None:
    """Children and listed in a grade; None where there are none, or no area is chosen."""
    if not sees_whole_cells(person) and not area:
        return None
    tables = [cross(run, person, "sex", "grade", whom, area) for whom in ("learners", "listed")]
    codes = [code for code, _ in tables[0].columns]
    if grade not in codes:
        return None
    learners, listed = (table.column_totals[codes.index(grade)] for table in tables)
    return learners, listed


def _count(_: Any, n: int | None) -> str:
    return _(N_("hidden")) if n is None else f"{n:,}"


def _estimate(_: Any, expected: float | None, between: tuple[int, int] | None) -> str:
    if expected is None:
        return str(_(N_("hidden")))
    said = f"{expected:,.0f}" if expected >= 0.5 else "< 1"
    return f"{said} ({between[0]:,}–{between[1]:,})" if between else said


def as_text(figures: Sequence[Figure], title: str) -> str:
    """The figures as lines to copy into a letter."""
    lines = [f"{one.name}: {one.value} ({one.period}; {one.meaning.rstrip('.')})" for one in figures]
    return "\n".join([title, *lines])


def as_csv(figures: Sequence[Figure], language: str = "th") -> bytes:
    """The figures as CSV for Excel: UTF-8 with BOM."""
    say = speak(language)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([say(N_("Figure")), say(N_("Value")), say(N_("What it means")), say(N_("Measured over"))])
    writer.writerows([one.name, one.value, one.meaning, one.period] for one in figures)
    return out.getvalue().encode("utf-8-sig")


# -------------------------------------------------------------------------------- the same as rows, for `raksa areas`
PARTS = ("schools", "counts", "transitions", "contacts", "weeks", "report")


def lines(
    part: str,
    run: Run,
    people: Engine,
    person: Person | None,
    today: date,
    area: str = "",
    language: str = "th",
    rows: str = "school",
    columns: str = "need",
    whom: str = "listed",
) -> list[dict[str, Any]]:
    """One of PARTS of the page as rows: heading -> number or text. What is hidden on the page says so here; what is not
    known is None. `rows`, `columns` and `whom` are those of `cross`.

    Raises RaksaError for a part that is none, an area the person may not count, a table that cannot be, and contacts
    for who sees no child.
    """
    _ = speak(language)
    if part not in PARTS:
        raise RaksaError(f"There is no part {part!r}. Parts: {', '.join(PARTS)}.")
    there_are = [one.id for one in areas(run, person)]
    if area and area not in there_are:
        raise RaksaError(f"No service area {area!r} to count here. Areas: {', '.join(there_are) or 'none'}.")
    if part == "transitions" and not area and not sees_whole_cells(person):
        raise RaksaError("Who changes school next is told of one service area for this account. Choose it with --area.")
    if part == "contacts" and not sees_learners(person):
        raise RaksaError("Contacts are told to those who may see the children.")

    def n(value: float | None) -> object:
        return _(N_("hidden")) if value is None else value

    if part == "counts":
        found = cross(run, person, rows, columns, whom, area, language)
        heads = [_(TRAITS[rows]), *(name for _code, name in found.columns)]
        heads += [_("Together")] if found.row_totals is not None else []

        def cell(value: int | None, some: bool, known: bool) -> object:
            return None if not some else n(value) if known or value is None else _(N_("cannot be estimated"))

        table = [[name, *(cell(*one) for one in found.row(at))] for at, (_code, name) in enumerate(found.rows)]
        table.append([_("Together"), *(cell(*one) for one in found.together())])
        return [dict(zip(heads, line, strict=True)) for line in table]
    if part == "schools":
        return [_school_line(one, language, whole=sees_whole_cells(person)) for one in schools(run, person, area)]
    if part == "transitions":
        return [
            {
                _("Grade"): one.grade, _("School"): one.school, _("Children"): n(one.learners),
                _("On the list"): n(one.listed), _("Cannot be estimated"): n(one.not_scored),
                _("Expected to leave"): _expected(one, language),
                _("at least"): _expected(one, language) if one.low is None else one.low,
                _("at most"): _expected(one, language) if one.high is None else one.high,
            }
            for one in transitions(run, person, area, language)
        ]  # fmt: skip
    if part == "contacts":
        return [
            {
                _("School"): one.school,
                _("On the list"): _(N_("cannot be estimated")) if one.listed is None else one.listed,
                _("With a contact"): one.contacted, _("Nobody has written anything"): one.waiting,
            }
            for one in contacted(run, people, person, today, area)
        ]  # fmt: skip
    if part == "weeks":
        return [
            {
                _("As known on"): one.as_of.isoformat(),
                _("Children"): n(one.learners),
                _("On the list"): n(one.listed),
                _("Cannot be estimated"): n(one.not_scored),
                _("Recorded"): None if one.recorded is None else round(one.recorded, 4),
            }
            for one in weeks(run, person, area)
        ]
    return [
        {_("Figure"): one.name, _("Value"): one.value, _("What it means"): one.meaning, _("Measured over"): one.period}
        for one in report(run, people, person, today, area, language)
    ]


def _school_line(one: School, language: str, *, whole: bool) -> dict[str, Any]:
    _, decimals = speak(language), 1 if whole else 0
    hidden = _(N_("hidden"))
    # Without a number: hidden, or nobody there could be estimated.
    why = hidden if one.learners is None or one.listed is None else None
    share = why
    if one.per_100:
        share = "{:.{d}f} ({:.{d}f}–{:.{d}f})".format(*one.per_100, d=decimals)
    return {
        _("School"): one.name,
        _("Area"): one.area,
        _("Children"): hidden if one.learners is None else one.learners,
        _("On the list"): hidden if one.listed is None else one.listed,
        _("Cannot be estimated"): hidden if one.not_scored is None else one.not_scored,
        _("Expected to leave"): why if one.expected is None else round(one.expected, decimals),
        _("at least"): why if one.low is None else one.low,
        _("at most"): why if one.high is None else one.high,
        _("of each 100"): share,
        _("Position"): None if one.latitude is None else f"{one.latitude:.4f}, {one.longitude:.4f}",
    }


def _expected(one: Transition, language: str) -> object:
    if one.expected is None:
        return None if one.learners is not None and one.learners == one.not_scored else speak(language)(N_("hidden"))
    return round(one.expected, 1)
