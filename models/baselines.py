"""What people would do without the model: plain rules, and choosing schools instead of children.

Each is a score per row, higher = sooner on the list; ties are real and are counted as such (models.evaluate.at_top).
Missing values raise no flag.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.risk import school_rates

RULES = {
    "absence_10": "away on 10 % or more of this year's recorded days",
    "abc_flags": "how many of three flags: away ≥ 10 %, late on ≥ 20 % of four weeks (behaviour is not recorded "
    "otherwise), an open 0 / ร / มส or an average under 1.5",
    "school_only": "the school's leaving rate in the training years: choose schools, not children",
}


def baselines(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Scores of `rows` by each rule of RULES, as (rows,) float64; only school_only learns, from `train`."""
    away = (rows["absent_rate_year"] >= 0.10).to_numpy()
    late = (rows["late_rate_28d"] >= 0.20).to_numpy()
    failing = ((rows["open_results"] >= 1) | (rows["grade_average"] < 1.5)).to_numpy()
    return {
        "absence_10": away.astype(np.float64),
        "abc_flags": (away.astype(np.float64) + late + failing) / 3,
        "school_only": school_rates(train[train["left"].notna()])(rows["main_school_id"]),
    }
