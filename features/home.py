"""Home features: the latest household screening known before the date. A class is imported, never recomputed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from features import rows
from features.cohort import Cohort
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import POVERTY_CLASSES

_CLASS = {name: float(step) for step, name in enumerate(POVERTY_CLASSES)}
_NUMBERS = ("income_per_head", "wealth_percentile", "dependants", "housing_lacks", "belongings", "distance_km",
            "travel_minutes")  # fmt: skip
_COLUMNS = ("learner_id", "surveyed_on", "known_on", "poverty_class", "lives_with", *_NUMBERS)
_AWAY = {"both_parents": 0.0, "one_parent": 1.0, "relatives": 2.0, "other_household": 3.0, "institution": 3.0,
         "alone": 3.0}  # fmt: skip


def home(
    store: Store, settings: Settings, cohort: Cohort, as_of: date, bucket: int | None = None
) -> dict[str, np.ndarray]:
    """Home features of the cohort, in its order; a learner never screened has NaN, which is not 'not poor'.

    The latest screening stands, but for what it leaves empty: a form field comes from the last screening that says it.
    """
    learners = cohort["learner_id"]
    held = rows.known(store, "household", bucket, as_of, "surveyed_on", "known_on", columns=_COLUMNS, codes=True)
    ids, found = rows.once(store, ("home", bucket), held.num_rows, lambda: _screened(held))
    place = rows.Places(ids, learners)
    out = {name: place.of(values) for name, values in found.items()}
    out["survey_age"] = rows.days(as_of) - out["survey_age"]  # so far the day itself
    return out | _grant(store, learners, as_of, bucket)


def _screened(held: pa.Table) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Learners, ascending, and what was last said of each."""
    columns = {name: rows.numbers(held, name) for name in _NUMBERS}
    columns["poverty_class"] = rows.steps(held, "poverty_class", _CLASS)
    columns["away_from_parents"] = rows.steps(held, "lives_with", _AWAY)
    columns["survey_age"] = rows.numbers(held, "surveyed_on")
    return rows.last_said(held["learner_id"].to_numpy(), columns)


def _grant(store: Store, learners: np.ndarray, as_of: date, bucket: int | None) -> dict[str, np.ndarray]:
    """Whether a grant runs on the date, and the highest share of days a running one asks for. No row is not known."""
    held = rows.known(store, "grant", bucket, as_of, "from_day", "known_on")
    held = rows.told_last(held, "from_day", "kind")
    ids, until = held["learner_id"].to_numpy(), rows.numbers(held, "until_day")
    runs = np.isnan(until) | (until >= rows.days(as_of))
    asked = rows.numbers(held, "attendance_percent")
    return {
        "grant_held": rows.largest(ids, runs.astype(np.float64), np.ones(len(ids), bool), learners),
        "grant_attendance": rows.largest(ids, asked, runs & ~np.isnan(asked), learners),
    }
