"""What people would do without the model: plain rules, a plain regression, and choosing schools instead of children.

Each is a score per row, higher = sooner on the list; ties are real and are counted as such (`models.evaluate.places`).
Missing values raise no flag. Nothing here sees the judged year's outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from features.registry import BY_NAME, MODEL_FEATURES
from models.evaluate import capacity, places
from models.pooling import school_rates
from raksa.settings import Settings

RULES = {
    "best_rule": "the flags, or the one fact to rank children by, that did best at the schools' capacity in the years "
    "before",
    "absence_10": "away on 10 % or more of this year's recorded days",
    "abc_flags": "how many of three flags: away ≥ 10 %, late on ≥ 20 % of four weeks (behaviour is not recorded "
    "otherwise), an open 0 / ร / มส or an average under 1.5",
    "logistic": "logistic regression on the model's features",
    "school_only": "the school's leaving rate in the training years: choose schools, not children",
    "demographics": "logistic regression on age, grade and home alone",
}
# Sex is known to the register and is no feature; what is left says who a child is, not what she does.
DEMOGRAPHICS = ("grade_level", "over_age", "poverty_class", "income_per_head", "wealth_percentile", "dependants",
                "away_from_parents", "distance_km")  # fmt: skip


def baselines(past: pd.DataFrame, rows: pd.DataFrame, settings: Settings) -> tuple[dict[str, np.ndarray], str]:
    """Scores of `rows` by each rule of RULES, (rows,) float64 each, and which the best rule is.

    What learns, learns from `past`: years before those of `rows`, with their outcomes.
    """
    past = past[past["left"].notna()]
    best = best_rule(past, settings)
    flags = _flags(rows)
    return {
        "best_rule": flags[best] if best in flags else by_one_fact(rows, best),
        **flags,
        "logistic": _regression(past, rows, MODEL_FEATURES),
        "school_only": school_rates(past)(rows["main_school_id"]),
        "demographics": _regression(past, rows, DEMOGRAPHICS),
    }, best


def _flags(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    away = (rows["absent_rate_year"] >= 0.10).to_numpy()
    late = (rows["late_rate_28d"] >= 0.20).to_numpy()
    failing = ((rows["open_results"] >= 1) | (rows["grade_average"] < 1.5)).to_numpy()
    return {"absence_10": away.astype(np.float64), "abc_flags": (away.astype(np.float64) + late + failing) / 3}


def by_one_fact(rows: pd.DataFrame, feature: str) -> np.ndarray:
    """Children ranked by one fact in the direction the registry calls worse; who lacks it comes last."""
    worse = BY_NAME[feature].direction * rows[feature].to_numpy(np.float64)
    return np.where(np.isnan(worse), -np.inf, worse)


def best_rule(past: pd.DataFrame, settings: Settings) -> str:
    """Of the flags and of ranking by each single fact, that which put most of those who left on their schools' lists in
    the past; of equals the first. A key of the flags, or a feature."""
    lists, sizes = school_lists(past, settings)
    left = past["left"].to_numpy()
    rules = _flags(past) | {f: by_one_fact(past, f) for f in MODEL_FEATURES if f in past and BY_NAME[f].direction}
    caught = {name: float((places(scores, lists, sizes).share * left).sum()) for name, scores in rules.items()}
    return max(caught, key=lambda name: caught[name])


def school_lists(rows: pd.DataFrame, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """The list each row competes for, one a school and as-of date, as codes (rows,), and each list's capacity."""
    lists, _ = pd.factorize(pd.MultiIndex.from_frame(rows[["as_of", "school_id"]]))
    return lists, capacity(np.bincount(lists), settings)


def regression() -> Pipeline:
    """Logistic regression on standardised facts; what is missing is the median and says that it is missing."""
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return make_pipeline(filled, StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def _regression(past: pd.DataFrame, rows: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    fitted = regression().fit(past[list(features)], past["left"])
    return np.asarray(fitted.predict_proba(rows[list(features)])[:, 1])
