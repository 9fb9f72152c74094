"""A panel drawn from a process we know: absence, grades and poverty raise the chance of leaving."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.registry import MODEL_FEATURES


def panel(rows: int = 3000, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    found = pd.DataFrame({name: np.full(rows, np.nan, np.float32) for name in MODEL_FEATURES})
    found["absent_rate_28d"] = draw.beta(1, 8, rows)
    found["absent_rate_year"] = np.clip(found["absent_rate_28d"] + draw.normal(0, 0.03, rows), 0, 1)
    found["grade_average"] = np.clip(draw.normal(2.5, 0.7, rows), 0, 4)
    found["poverty_class"] = draw.integers(0, 3, rows)
    found.loc[draw.random(rows) < 0.1, "poverty_class"] = np.nan
    log_odds = (
        -3
        + 6 * found["absent_rate_28d"]
        - 0.6 * (found["grade_average"] - 2.5)
        + 0.4 * found["poverty_class"].fillna(1)
    )
    left = draw.random(rows) < 1 / (1 + np.exp(-log_odds))
    school = draw.integers(0, 12, rows).astype(str)
    grade = draw.choice(["ป.5", "ม.1", "ม.3", "ม.5", "ปวช.1"], rows)
    return found.assign(learner_id=np.arange(rows), main_school_id=school, grade=grade, left=left.astype(float))
