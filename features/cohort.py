"""Who is counted on a date: the children still on a school's list, as far as was known before it.

Every other feature is computed for the cohort's learners. A child who had left before the date is not in it: counting
children already gone makes any model look better than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import rows
from features.rows import known_before
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store

__all__ = ["COLUMNS", "Cohort", "cohort", "exits_told", "known_before", "latest_lists", "lists", "of_schools"]

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
_SCHOOL = ("school_id", "main_school_id", "area_id", "agency")
_LIST = (*(name for name in COLUMNS if name not in ("area_id", "main_school_id", "floating", "started_on")), "status",
         "starts_on")  # fmt: skip


# The columns of COLUMNS: learner_id an array, the others as Arrow has them.
Cohort = Mapping[str, Any]


def lists(store: Store, year: int, as_of: date, bucket: int | None) -> pa.Table:
    """Lists of an academic year known before the date, sorted by learner, texts dictionary-encoded."""
    return rows.known(store, "enrolment", bucket, as_of, "listed_on", years=[year], columns=_LIST, codes=True)


def cohort(store: Store, settings: Settings, as_of: date, bucket: int | None = None) -> Cohort:
    """One row per learner on a list of the running academic year as of the date, sorted by learner.

    Columns: learner_id, area_id, main_school_id (the school itself if it is no branch), school_id, grade, room,
    academic_year, floating (bool: on the books, not in class), started_on (first day of the year or course), listed_on,
    and entered_on, attempts_before, isced_completed, credits as the list has them. The latest list known before the
    date says where the learner is; an exit known before the date and not followed by another list removes the learner.
    A course that has not begun does not count yet. Texts may be dictionary-encoded.
    """
    year = calendar.academic_year(as_of, settings)
    known, start = lists(store, year, as_of, bucket), pa.scalar(calendar.first_day(year, settings), pa.date32())
    begun = pc.less(pc.fill_null(known["starts_on"], start), pa.scalar(as_of, pa.date32())).to_numpy()
    which = year, known.num_rows, int(begun.sum())
    latest = rows.once(store, ("latest lists", bucket), which, lambda: latest_lists(rows.where(known, begun)))

    # A leaver of last year who is listed again this year came back: only exits not followed by a list count.
    status = rows.steps(latest, "status", {"enrolled": 1.0, "floating": 0.0})
    gone = _left_on(store, latest, as_of, bucket) >= rows.numbers(latest, "listed_on")
    stays = ~np.isnan(status) & ~gone
    found = rows.where(latest, stays)

    which_school, words = rows.codes(found, "school_id")
    schools = of_schools(store, words, "school_id", "main_school_id", "area_id")
    added = {
        "area_id": schools["area_id"].take(which_school),
        "main_school_id": pc.coalesce(schools["main_school_id"], schools["school_id"]).take(which_school),
        "floating": pa.array(status[stays] == 0),
        "started_on": pc.fill_null(found["starts_on"], start),
    }
    columns = {name: added[name] if name in added else found[name] for name in COLUMNS}
    return columns | {"learner_id": found["learner_id"].to_numpy()}


def _left_on(store: Store, latest: pa.Table, as_of: date, bucket: int | None) -> np.ndarray:
    """Day (since 1970) of the last exit that takes each learner off the list she is on; NaN without one.

    A move takes her off the list of the school she left, any other cause off all. Who left on a day nobody knows had
    left when it became known.
    """
    exits = rows.told_last(exits_told(store, as_of, bucket), "school_id", "left_on")
    if not exits.num_rows or not latest.num_rows:
        return np.full(latest.num_rows, np.nan)
    ids, learners = exits["learner_id"].to_numpy(), latest["learner_id"].to_numpy()
    day = rows.numbers(exits, "left_on")
    day = np.where(np.isnan(day), rows.numbers(exits, "known_on"), day)
    at = np.searchsorted(learners, ids)
    at[at == len(learners)] = 0
    same = pc.equal(latest["school_id"].take(pa.array(at)).cast(pa.string()), exits["school_id"])
    moved = pc.fill_null(pc.equal(exits["cause"], "moved_school"), False)
    off = pc.or_(same, pc.invert(moved)).to_numpy()
    return rows.largest(ids, day, off & (day < rows.days(as_of)), learners)


def exits_told(store: Store, as_of: date, bucket: int | None) -> pa.Table:
    """What was said of exits before the date, sorted by learner; a fact may be told several times."""
    columns = ["learner_id", "school_id", "left_on", "cause", "known_on"]
    return rows.known(store, "exit", bucket, as_of, "known_on", columns=columns)


def of_schools(store: Store, words: list[str | None], *columns: str) -> pa.Table:
    """Columns of the register's schools, a row for each word; null where a word is none of them."""
    schools = rows.once(store, "schools", None, lambda: store.read("school", columns=_SCHOOL))
    at = pc.index_in(pa.array(words, pa.string()), value_set=schools["school_id"].combine_chunks(), skip_nulls=True)
    return schools.select(columns).take(at)


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
