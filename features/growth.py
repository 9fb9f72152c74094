"""Growth features from weighings and measurings known before the date (once a term in Thai lists)."""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.cohort import known_before, per_learner
from raksa.settings import Settings
from raksa.store import Store


def growth(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Body mass index of the last measuring, and height gained per year since the first of the past two years."""
    held = known_before(store.read("growth", bucket=bucket), as_of, "measured_on", "known_on").to_pandas()
    held["measured_on"] = pd.to_datetime(held["measured_on"])
    held = held.sort_values(["learner_id", "measured_on"])
    last = (
        held.dropna(subset=["weight_kg", "height_cm"])
        .drop_duplicates("learner_id", keep="last")
        .set_index("learner_id")
    )
    tall = held[(held["measured_on"] >= pd.Timestamp(as_of) - pd.Timedelta(days=730)) & held["height_cm"].notna()]
    by = tall.groupby("learner_id")
    first_last = by.agg(
        low=("height_cm", "first"), high=("height_cm", "last"), a=("measured_on", "min"), b=("measured_on", "max")
    )
    years = (first_last["b"] - first_last["a"]).dt.days / 365.25
    # Under four months apart, a centimetre of measuring error would read as three a year.
    gain = ((first_last["high"] - first_last["low"]) / years).where(years >= 1 / 3)
    return pd.DataFrame(
        {
            "bmi": per_learner(cohort, last["weight_kg"] / (last["height_cm"] / 100) ** 2),
            "height_gain": per_learner(cohort, gain),
        }
    )
