"""School context, the second pass: what a learner's figures mean beside those of the class and the school.

It needs the learners of a school together, so it runs over the whole cohort after the buckets are done. A class is
school, grade and room; where lists have no rooms, the grade or the school stands in for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def school(cohort: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Context features of the cohort, in its order; `features` are the learner-level ones, in the same order."""
    class_id = cohort.groupby(["school_id", "grade", "room", "started_on"], dropna=False, sort=False).ngroup()
    by = features.groupby(class_id.to_numpy(), sort=False)

    def less_class(name: str) -> pd.Series:
        return features[name] - by[name].transform("mean")

    size = cohort.groupby("school_id")["learner_id"].transform("size")
    return pd.DataFrame(
        {
            "class_absent_rate": by["absent_rate_28d"].transform("mean"),
            "absent_vs_class": less_class("absent_rate_28d"),
            "class_open_share": by["open_share"].transform("mean"),
            "open_vs_class": less_class("open_share"),
            "grade_vs_class": by["grade_average"].rank(pct=True),
            "grade_latest_vs_class": by["grade_latest"].rank(pct=True),
            "late_vs_class": by["work_days_late"].rank(pct=True),
            "school_size": size.to_numpy(np.float64),
        }
    )
