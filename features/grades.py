"""Grade features: averages, change, weakest area and what is still open (0, ร, มส), as known before the date.

A piece of work or a subject may be known several times: not handed in, handed in, marked, re-sat. The latest row known
before the date counts. A grade is read from the grade scale 0–4; where only a percentage is known, percent ÷ 25.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from features.cohort import known_before, per_learner
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import OPEN_GRADES

_WHICH = ["learner_id", "academic_year", "term", "subject", "part"]


def grades(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Grade features of the cohort, in its order. Learners without a known result have NaN throughout."""
    year = calendar.academic_year(as_of, settings)
    known = known_before(store.read("result", years=range(year - 2, year + 1), bucket=bucket), as_of, "known_on")
    rows = known.to_pandas()
    rows = rows[rows["learner_id"].isin(cohort["learner_id"])]
    rows["known_on"] = pd.to_datetime(rows["known_on"])
    rows["point"] = _points(rows)
    rows = rows.sort_values([*_WHICH, "known_on"], kind="stable")
    graded = rows[rows["point"].notna()].drop_duplicates(_WHICH, keep="last")
    latest = rows.drop_duplicates(_WHICH, keep="last")

    out: dict[str, pd.Series] = {}
    by = graded.groupby("learner_id", sort=True)
    weight = graded["credits"].fillna(1).where(graded["credits"] != 0, 1)
    summed = pd.DataFrame({"w": weight, "wp": weight * graded["point"]}).groupby(graded["learner_id"]).sum()
    out["grade_average"] = summed["wp"] / summed["w"]
    newest = graded["known_on"] == by["known_on"].transform("max")
    out["grade_latest"] = graded[newest].groupby("learner_id")["point"].mean()
    out["grade_change"] = out["grade_latest"] - graded[~newest].groupby("learner_id")["point"].mean()
    out["grade_lowest_area"] = (
        graded.groupby(["learner_id", "learning_area"])["point"].mean().groupby("learner_id").min()
    )

    is_open = latest["grade"].isin(OPEN_GRADES)
    out["open_results"] = is_open.groupby(latest["learner_id"]).sum()
    this_year = latest[latest["academic_year"] == year]
    open_now = is_open[this_year.index]
    out["open_share"] = open_now.groupby(this_year["learner_id"]).mean()
    last = this_year["known_on"] == this_year.groupby("learner_id")["known_on"].transform("max")
    out["open_latest"] = open_now[last].astype(float).groupby(this_year["learner_id"][last]).max()
    out["results_known"] = this_year.groupby("learner_id").size()
    done, mine = ~open_now, this_year["learner_id"]
    out["work_done"] = done.groupby(mine).sum()
    out["credits_done"] = this_year["credits"].where(done, 0).groupby(mine).sum()
    due = this_year["known_on"] - pd.to_timedelta(this_year["days_late"], unit="D")
    out["work_ahead"] = (due > pd.Timestamp(as_of)).groupby(mine).sum()
    came = rows[~rows["grade"].isin(["ร", "มส"])]
    out["days_since_result"] = (pd.Timestamp(as_of) - came.groupby("learner_id")["known_on"].max()).dt.days
    out["work_days_late"] = this_year.groupby("learner_id")["days_late"].mean()
    out["lowest_attended_percent"] = this_year.groupby("learner_id")["attended_percent"].min()
    return pd.DataFrame({name: per_learner(cohort, column) for name, column in out.items()})


def _points(rows: pd.DataFrame) -> pd.Series:
    """Grade points 0–4, NaN where nothing is graded. ร and มส are no grades; a re-sat 0 has a later row."""
    stated = pd.to_numeric(rows["grade"].where(~rows["grade"].isin(["ร", "มส", "ผ", "มผ"])), errors="coerce")
    return stated.fillna(rows["percent"] / 25).astype(np.float64)
