"""Home features: the latest household screening known before the date. A class is imported, never recomputed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from features.cohort import known_before, per_learner
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import POVERTY_CLASSES

_CLASS = {name: float(step) for step, name in enumerate(POVERTY_CLASSES)}
_AWAY = {
    "both_parents": 0.0,
    "one_parent": 1.0,
    "relatives": 2.0,
    "other_household": 3.0,
    "institution": 3.0,
    "alone": 3.0,
}


def home(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Home features of the cohort, in its order; a learner never screened has NaN, which is not 'not poor'."""
    screens = known_before(store.read("household", bucket=bucket), as_of, "surveyed_on", "known_on").to_pandas()
    screens["surveyed_on"] = pd.to_datetime(screens["surveyed_on"])
    last = screens.sort_values("surveyed_on").drop_duplicates("learner_id", keep="last").set_index("learner_id")
    columns = {
        "poverty_class": last["poverty_class"].map(_CLASS),
        "income_per_head": last["income_per_head"],
        "wealth_percentile": last["wealth_percentile"],
        "dependants": last["dependants"],
        "away_from_parents": last["lives_with"].map(_AWAY),
        "distance_km": last["distance_km"],
        "survey_age": (pd.Timestamp(as_of) - last["surveyed_on"]).dt.days,
    }
    return pd.DataFrame({name: per_learner(cohort, column.astype(np.float64)) for name, column in columns.items()})
