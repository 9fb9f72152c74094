"""The frames the designs read: a published run with what became of its children and who contacted them; a schedule with
who left from which school, period by period. What a person may not see is not read."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Engine, select

from care.contacts import ContactRow
from care.since import about, runs
from features.cohort import cohort
from models.calibration import stage_of
from models.outcome import asked, outcome
from raksa import access, calendar
from raksa.access import Person
from raksa.errors import RaksaError
from raksa.people import scoped, seen_by
from raksa.settings import Settings
from raksa.store import Store

SETTLED = timedelta(days=14)  # after a census until its lists are in, so that a start finds the children of its term
_BALANCE = ("absent_28d", "attended_share")


# ------------------------------------------------------------------------------------------------------------- of a run
def finished_run(store: Store, today: date) -> str:
    """The newest run whose horizon has passed. Raises RaksaError if there is none, with the day when there will be."""
    known = runs(store)
    for run in known:
        if date.fromisoformat(about(store, run)["horizon"]) < today:
            return run
    if not known:
        store.run_folder()  # says what to do first
    first = min(about(store, run)["horizon"] for run in known)
    raise RaksaError(
        f"What became of the children of the published lists is known after {first} at the earliest. "
        "Import the lists of that census, then ask again."
    )


def of_run(
    store: Store, settings: Settings, people: Engine | None, person: Person | None, run: str, today: date,
    *, within: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Rows as `line` and `matched` read them: a row a child of the run whom the person may open.

    learner_id, school_id, area_id, stage, risk, rank, listed, contacted (from the day of the list to its horizon, or in
    the first `within` days; then children who had left by that day are not in the frame), left, and absent_28d and
    attended_share of the day of the list. people None: nobody wrote down any contact. Raises RaksaError before the
    horizon.
    """
    said = about(store, run)
    as_of, by = date.fromisoformat(said["as_of"]), date.fromisoformat(said["horizon"])
    if today <= by:
        raise RaksaError(f"What became of the children of {run} is known after {by}. Ask again when its lists are in.")
    condition, values = access.where(person)
    query = (
        f"select learner_id, school_id, area_id, grade, room, risk, rank, listed, {', '.join(_BALANCE)} "
        f"from score left join signal using (learner_id) where {condition} order by learner_id"
    )
    with duckdb.connect(str(store.run_folder(run) / "scores.duckdb"), read_only=True) as con:
        rows = con.execute(query, values).df()
    became = outcome(store, settings, rows, as_of, by)
    rows["left"] = asked(became, settings.outcome).to_numpy()
    rows["stage"] = stage_of(rows["grade"])
    until = by if within is None else as_of + timedelta(days=within)
    met = set() if people is None else set(contacts(people, person, as_of, until)["learner_id"])
    rows["contacted"] = rows["learner_id"].isin(met)
    if within is not None:
        rows = rows[~(pd.to_datetime(became["left_on"]) < pd.Timestamp(until)).to_numpy()]
    return rows.drop(columns=["grade", "room"]).reset_index(drop=True)


def contacts(people: Engine, person: Person | None, since: date, until: date) -> pd.DataFrame:
    """A row a contact on or after `since` and before `until`, of any kind: learner_id, day, kind; of the children who
    stood in the person's scope then."""
    query = select(ContactRow.learner_id, ContactRow.day, ContactRow.kind).where(
        ContactRow.day >= since, ContactRow.day < until, seen_by(person)
    )
    with scoped(people, person) as session:
        found = session.execute(query.order_by(ContactRow.day, ContactRow.id)).all()
    return pd.DataFrame([tuple(row) for row in found], columns=["learner_id", "day", "kind"])


# -------------------------------------------------------------------------------------------------------- of a schedule
def starts(after: date, steps: int, settings: Settings) -> list[date]:
    """Mondays to start on, one a step: the first at least two weeks after each census that falls into a term.

    >>> [str(day) for day in starts(date(2026, 11, 21), 3, Settings())]
    ['2026-11-30', '2027-06-28', '2027-11-29']
    """
    found: list[date] = []
    day = after - timedelta(days=28)  # a census of the last weeks whose Monday is still to come
    while len(found) < steps:
        day = calendar.next_census(day, settings)
        monday = calendar.monday_before(day + SETTLED + timedelta(days=6))
        if _in_term(monday, settings) and monday > after:
            found.append(monday)
    return found


def _in_term(day: date, settings: Settings) -> bool:
    year = calendar.academic_year(day, settings)
    terms = [calendar.term_days(year, term.number, settings) for term in settings.terms]
    return any(first <= day <= last for first, last in terms)


def last_census(start: date, end: date, settings: Settings) -> date:
    """The last census after `start` and up to `end`. Raises RaksaError if there is none between them."""
    found, day = None, calendar.next_census(start, settings)
    while day <= end:
        found, day = day, calendar.next_census(day, settings)
    if found is None:
        raise RaksaError(
            f"No lists are certified between {start} and {end}, so nobody can say who left. "
            "Set the starts further apart."
        )
    return found


def leaving(store: Store, settings: Settings, start: date, by: date) -> pd.DataFrame:
    """A row a school: school_id, area_id, learners on its lists at `start` whose outcome is known, and left, how many
    of them had left by the census `by`. Counts of every school: for the operator."""
    found = cohort(store, settings, start)
    rows = pa.table({name: found[name] for name in ("learner_id", "school_id", "area_id", "grade")}).to_pandas()
    rows = rows.astype({"school_id": str, "grade": object})
    rows["left"] = asked(outcome(store, settings, rows, start, by), settings.outcome).to_numpy()
    known = rows[rows["left"].notna()]
    counts = known.groupby(["school_id", "area_id"], observed=True)["left"].agg(learners="size", left="sum")
    out: pd.DataFrame = counts.astype(np.int64).reset_index()
    return out


def year_before(store: Store, settings: Settings, days: list[date]) -> pd.DataFrame:
    """Rows as `draw` and `power` read them: the leaving of a schedule's periods, all together, as it was a year earlier
    (or as many years as it takes until all of it is known). Raises RaksaError if the register knows no such time."""
    newest = max(store.read("enrolment", columns=["listed_on"])["listed_on"].to_pylist(), default=date.min)
    for years in range(1, 6):
        then = [day - timedelta(days=364 * years) for day in days]  # whole weeks: Mondays again
        periods = [(start, last_census(start, end, settings)) for start, end in pairwise(then)]
        if periods[-1][1] <= newest:
            break
    found = pd.concat([leaving(store, settings, start, by) for start, by in periods])
    if found.empty or periods[-1][1] > newest:
        raise RaksaError(
            f"The register knows no earlier year like {days[0]} to {days[-1]}, on which the plan would rest. "
            "Import the lists of a past year."
        )
    counts: pd.DataFrame = found.groupby(["school_id", "area_id"]).agg(
        learners=("learners", "max"), left=("left", "sum")
    )
    return counts.reset_index()


def write_schedule(drawn: pd.DataFrame, days: list[date], file: Path) -> None:
    """The schedule as a CSV to keep (UTF-8 with a mark, for Excel). Raises RaksaError if the file is there already."""
    if file.exists():
        raise RaksaError(f"{file} is there already. A schedule is drawn once: keep it, or give another name.")
    out = drawn.assign(starts=[days[step - 1] for step in drawn["step"]], until=days[-1], before=drawn["left"]).drop(
        columns="left"
    )
    out.to_csv(file, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def read_schedule(file: Path) -> tuple[pd.DataFrame, list[date]]:
    """What `write_schedule` wrote, and the days of its steps. Raises RaksaError for another file."""
    try:
        rows = pd.read_csv(file, dtype={"school_id": str, "area_id": str}, encoding="utf-8-sig")
        rows["starts"] = pd.to_datetime(rows["starts"], format="%Y-%m-%d").dt.date
        days = rows.groupby("step")["starts"].agg(["min", "max"]).sort_index()
        whole = rows[["school_id", "learners", "before", "block", "step"]].notna().all(axis=None)
    except (ValueError, KeyError, OSError) as wrong:
        raise RaksaError(f"{file} is no schedule ({wrong}). Give the file `raksa effect plan --to` wrote.") from None
    if not whole or (days["min"] != days["max"]).any() or list(days.index) != list(range(1, len(days) + 1)):
        raise RaksaError(f"{file} was changed: each step needs one day and each school a block and a step.")
    return rows, list(days["min"])


def of_schedule(
    store: Store, settings: Settings, schedule: pd.DataFrame, days: list[date], today: date
) -> pd.DataFrame:
    """Rows as `stepped` reads them, of the periods whose census has passed. Raises RaksaError if that is none yet."""
    parts = []
    periods = [(start, last_census(start, end, settings)) for start, end in pairwise(days)]
    for period, (start, by) in enumerate(periods, start=1):
        if by >= today:
            break
        found = leaving(store, settings, start, by).drop(columns="area_id")
        known = schedule[["school_id", "block", "step"]].assign(before=schedule["before"] / schedule["learners"])
        both = known.merge(found, on="school_id", how="left").fillna({"learners": 0, "left": 0})
        parts.append(both.assign(period=period))
    if not parts:
        raise RaksaError(
            f"Who left in the first period is known after the census of {periods[0][1]}. "
            "Ask again when its lists are in."
        )
    return pd.concat(parts, ignore_index=True)
