"""Growth features from weighings and measurings known before the date (once a term in Thai lists).

Height and body mass for age are z-scores of the WHO growth reference 2007 for ages 5 to 19, by its LMS method. The
table (`who_2007.csv`) has every sixth month; between them L, M and S are interpolated, which moves a z-score by less
than 0.01.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow as pa

from features import rows
from features.cohort import Cohort
from raksa.settings import Settings
from raksa.store import Store

_COLUMNS = ("learner_id", "measured_on", "known_on", "weight_kg", "height_cm")
_DAYS_OF_A_MONTH = 30.4375
_TWO_YEARS = 730
# Under four months apart, a centimetre of measuring error would read as three a year.
_LEAST_YEARS = 1 / 3
# Beyond these a weight or height was mistyped (the flags of WHO's own programs).
_FURTHEST = {"height": 6.0, "bmi": 5.0}


def growth(
    store: Store, settings: Settings, cohort: Cohort, as_of: date, bucket: int | None = None
) -> dict[str, np.ndarray]:
    """Height and body mass for age (z-scores) on the last measuring, and height gained per year over two years."""
    held = rows.known(store, "growth", bucket, as_of, "measured_on", "known_on", columns=_COLUMNS)
    who = rows.known(store, "learner", bucket, as_of, "known_on")
    since = rows.days(as_of) - _TWO_YEARS
    recent = int(np.count_nonzero(rows.numbers(held, "measured_on") >= since))
    which = held.num_rows, who.num_rows, recent
    ids, found = rows.once(store, ("growth", bucket), which, lambda: _measured(held, who, since))
    place = rows.Places(ids, cohort["learner_id"])
    return {name: place.of(values) for name, values in found.items()}


def _measured(held: pa.Table, who: pa.Table, since: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Learners ever measured, ascending, and the features of each; height gained since a day."""
    held = rows.told_last(held, "measured_on")
    ids = held["learner_id"].to_numpy()
    day, weight, height = (rows.numbers(held, name) for name in ("measured_on", "weight_kg", "height_cm"))
    both = ~np.isnan(weight) & ~np.isnan(height)
    measured = {"day": day, "mass": weight / (height / 100) ** 2, "tall": height}
    learners, last = rows.last_said(ids, {name: np.where(both, values, np.nan) for name, values in measured.items()})
    about = {"born": rows.numbers(who, "birth_date"), "sex": rows.steps(who, "sex", {"female": 0.0, "male": 1.0})}
    whose, said = rows.last_said(who["learner_id"].to_numpy(), about)
    place = rows.Places(whose, learners)
    sex, months = place.of(said["sex"]), (last["day"] - place.of(said["born"])) / _DAYS_OF_A_MONTH

    recent = ~np.isnan(height) & (day >= since)
    early, late = rows.first(ids, recent), rows.last(ids, recent)
    years = (day[late] - day[early]) / 365.25
    gained = np.divide(
        height[late] - height[early], years, out=np.full(len(years), np.nan), where=years >= _LEAST_YEARS
    )
    return learners, {
        "height_for_age": z_score("height", sex, months, last["tall"]),
        "bmi_for_age": z_score("bmi", sex, months, last["mass"]),
        "height_gain": rows.placed(ids[late], np.where((gained >= -20) & (gained <= 40), gained, np.nan), learners),
    }


def z_score(measure: str, sex: np.ndarray, months: np.ndarray, value: np.ndarray) -> np.ndarray:
    """How many standard deviations above the median of age and sex; NaN outside 61 to 228 months, beyond what can be,
    or where something is not known. `measure` is height or bmi; `sex` 0 female, 1 male."""
    out = np.full(len(value), np.nan)
    for code, name in enumerate(("female", "male")):
        table = _reference()[measure, name]
        mine = (sex == code) & (months >= table[0, 0]) & (months <= table[-1, 0]) & (value > 0)
        power, median, spread = (np.interp(months[mine], table[:, 0], table[:, n]) for n in (1, 2, 3))
        out[mine] = ((value[mine] / median) ** power - 1) / (power * spread)
    return np.where(np.abs(out) <= _FURTHEST[measure], out, np.nan)


@cache
def _reference() -> dict[tuple[str, str], np.ndarray]:
    """months, L, M, S by measure and sex."""
    with (files("features") / "who_2007.csv").open("rb") as held:
        table = pd.read_csv(held)
    return {
        (str(measure), str(sex)): part[["months", "l", "m", "s"]].to_numpy(np.float64)
        for (measure, sex), part in table.groupby(["measure", "sex"])
    }
