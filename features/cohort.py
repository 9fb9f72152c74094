"""Who is counted on a date: the children still on a school's list, as far as was known before it.

Every other feature is computed for the cohort's learners. A child who had left before the date is not in it: counting
children already gone makes any model look better than it is.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import rows
from features.rows import known_before
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store

__all__ = ["COLUMNS", "cohort", "known_before", "latest_lists"]

COLUMNS = [
    "learner_id",
    "area_id",
    "main_school_id",
    "school_id",
    "grade",
    "room",
    "academic_year",
    "floating",
    "started_on",
    "listed_on",
    "entered_on",
    "attempts_before",
    "isced_completed",
    "credits",
]
_SCHOOL = ["school_id", "main_school_id", "area_id"]


def cohort(store: Store, settings: Settings, as_of: date, bucket: int | None = None) -> pd.DataFrame:
    """One row per learner on a list of the running academic year as of the date, sorted by learner.

    Columns: learner_id, area_id, main_school_id (the school itself if it is no branch), school_id, grade, room,
    academic_year, floating (bool: on the books, not in class), started_on (first day of the year or course), listed_on,
    and entered_on, attempts_before, isced_completed, credits as the list has them. The latest list known before the
    date says where the learner is; an exit known before the date and not followed by another list removes the learner.
    A course that has not begun does not count yet.
    """
    year = calendar.academic_year(as_of, settings)
    lists = known_before(rows.read(store, "enrolment", bucket, years=[year]), as_of, "listed_on")
    start = calendar.first_day(year, settings)
    begun = pc.less(pc.fill_null(lists["starts_on"], pa.scalar(start, pa.date32())), pa.scalar(as_of, pa.date32()))
    latest = latest_lists(lists.filter(begun))

    # A leaver of last year who is listed again this year came back: only exits not followed by a list count.
    here = pc.is_in(latest["status"], pa.array(["enrolled", "floating"]))
    gone = _left_on(store, latest, as_of, bucket) >= rows.numbers(latest, "listed_on")
    latest = latest.filter(pc.and_(here, pa.array(~gone)))

    found: pd.DataFrame = latest.to_pandas(date_as_object=False)
    schools = store.read("school", columns=_SCHOOL).to_pandas().drop_duplicates("school_id").set_index("school_id")
    schools["main_school_id"] = schools["main_school_id"].fillna(schools.index.to_series())
    where = pd.Categorical(found["school_id"], categories=schools.index)
    for column in ("main_school_id", "area_id"):
        named = schools[column].take(where.codes).where(where.codes >= 0)
        found[column] = pd.Series(named.to_numpy(), index=found.index, dtype="str")
    found["started_on"] = found.pop("starts_on").fillna(pd.Timestamp(start))
    found["floating"] = (found["status"] == "floating").to_numpy(bool)
    return found[COLUMNS]


def _left_on(store: Store, latest: pa.Table, as_of: date, bucket: int | None) -> np.ndarray:
    """Day (since 1970) of the last exit that takes each learner off the list she is on; NaN without one.

    A move takes her off the list of the school she left, any other cause off all. Who left on a day nobody knows had
    left when it became known.
    """
    columns = ["learner_id", "school_id", "left_on", "cause", "known_on"]
    exits = known_before(rows.read(store, "exit", bucket, columns=columns), as_of, "known_on")
    exits = rows.told_last(exits, "school_id", "left_on")
    ids, learners = exits["learner_id"].to_numpy(), latest["learner_id"].to_numpy()
    day = rows.numbers(exits, "left_on")
    day = np.where(np.isnan(day), rows.numbers(exits, "known_on"), day)
    at = np.searchsorted(learners, ids)
    at[at == len(learners)] = 0
    same = (
        pc.equal(latest["school_id"].take(pa.array(at)), exits["school_id"])
        if len(learners)
        else pa.array([], pa.bool_())
    )
    moved = pc.fill_null(pc.equal(exits["cause"], "moved_school"), False)
    off = np.asarray(pc.or_(same, pc.invert(moved)).to_numpy(zero_copy_only=False), bool) if len(learners) else ids < 0
    return rows.largest(ids, day, off & (day < rows.days(as_of)), learners)


def latest_lists(lists: pa.Table) -> pa.Table:
    """Of rows of enrolment, the latest list of each learner, sorted by learner. Of two schools' lists of one day that
    which has her enrolled, then that which has her on its books; of equals that of the later school code."""
    ids, day = lists["learner_id"].to_numpy(), rows.numbers(lists, "listed_on")
    # Within a learner, rows are sorted by school before day; only who is on two schools' lists needs a second look.
    if len(ids) and ((np.diff(ids) < 0) | ((np.diff(ids) == 0) & (np.diff(day) <= 0))).any():
        weight = np.nan_to_num(rows.steps(lists, "status", {"enrolled": 2.0, "floating": 1.0}))
        order = np.lexsort((weight, day, ids))  # stable: of equals the later school code stays behind
        lists, ids = lists.take(order), ids[order]
    return lists.take(rows.last(ids))
