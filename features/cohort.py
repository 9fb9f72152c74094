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

from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store

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


def known_before(table: pa.Table, as_of: date, *columns: str) -> pa.Table:
    """Rows whose date columns all lie strictly before the date. A row without a known day is not known."""
    for column in columns:
        table = table.filter(pc.less(table[column], pa.scalar(as_of, pa.date32())))
    return table


def cohort(store: Store, settings: Settings, as_of: date, bucket: int | None = None) -> pd.DataFrame:
    """One row per learner on a list of the running academic year as of the date, sorted by learner.

    Columns: learner_id, area_id, main_school_id (the school itself if it is no branch), school_id, grade, room,
    academic_year, floating (bool: on the books, not in class), started_on (first day of the year or course), listed_on,
    and entered_on, attempts_before, isced_completed, credits as the list has them. The latest list known before the
    date says where the learner is; an exit known before the date
    and not followed by another list removes the learner. A course that has not begun does not count yet.
    """
    year = calendar.academic_year(as_of, settings)
    lists: pd.DataFrame = known_before(
        store.read("enrolment", years=[year], bucket=bucket), as_of, "listed_on"
    ).to_pandas()
    start = pd.Timestamp(calendar.first_day(year, settings))
    for column in ("listed_on", "starts_on", "entered_on"):
        lists[column] = pd.to_datetime(lists[column])
    lists["started_on"] = lists.pop("starts_on").fillna(start)
    lists = lists[lists["started_on"] < pd.Timestamp(as_of)]
    latest = lists.sort_values(["learner_id", "listed_on", "school_id"]).drop_duplicates("learner_id", keep="last")

    exits = known_before(store.read("exit", bucket=bucket), as_of, "known_on")
    exits = known_before(exits, as_of, "left_on").select(["learner_id", "left_on"]).to_pandas()
    exits["left_on"] = pd.to_datetime(exits["left_on"])
    # A leaver of last year who is listed again this year came back: only exits not followed by a list count.
    left = exits.groupby("learner_id")["left_on"].max().reindex(latest["learner_id"])
    gone = left.to_numpy() >= latest["listed_on"].to_numpy()
    latest = latest[~gone & latest["status"].isin(["enrolled", "floating"]).to_numpy()]

    schools = store.read("school", columns=["school_id", "main_school_id", "area_id"]).to_pandas()
    schools["main_school_id"] = schools["main_school_id"].fillna(schools["school_id"])
    latest = latest.merge(schools, on="school_id", how="left").sort_values("learner_id", ignore_index=True)
    latest["floating"] = latest["status"] == "floating"
    found: pd.DataFrame = latest[COLUMNS]
    return found


def per_learner(cohort: pd.DataFrame, column: pd.Series) -> np.ndarray:
    """A series indexed by learner_id, put in the cohort's order as (learners,) float64; absent learners are NaN."""
    return column.reindex(cohort["learner_id"]).to_numpy(np.float64, na_value=np.nan)
