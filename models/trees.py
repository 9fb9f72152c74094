"""A small seeded bag of LightGBM trees, grown and asked for log-odds. Monotone where a direction is given.

The settings are the product's own; `raksa train --search` looks for better ones on the past alone (models.search).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from joblib import Parallel, delayed

BAG = 4
ROUNDS = 300
# Small trees: they rank as well on a few thousand learners, and exact reasons cost a fraction (docs/performance.md).
PARAMS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.15,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "data_random_seed": 1,  # bins do not depend on the seed of the trees, which share them
    "feature_pre_filter": False,
    "num_threads": 1,
    "verbosity": -1,
}
_PATIENCE = 50
_MOST_ROUNDS = 1000


def grow(
    matrix: np.ndarray,
    left: np.ndarray,
    directions: Sequence[int],
    *,
    weight: np.ndarray | None = None,
    params: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
    bag: int = BAG,
    seed: int = 0,
) -> tuple[lgb.Booster, ...]:
    """`bag` boosters of `rounds` trees, each with a seed of its own, the same bytes every time.

    matrix (rows, features) float, NaN = not known; left (rows,) 0 or 1; directions (features,) of −1, 0, +1; weight
    (rows,) how much each row counts, all the same by default.
    """
    settings = {**PARAMS, **(params or {}), "monotone_constraints": list(directions)}
    # The rows are sorted into bins once for the whole bag: half the time, and a copy less for each.
    binned = lgb.Dataset(matrix, left, weight=weight, params=settings).construct()
    # One thread a tree bag and the bags side by side: OpenMP's own threads wait for each other at every split, and on a
    # machine that does something else as well that made training thirty times slower.
    return tuple(
        Parallel(n_jobs=2, prefer="threads")(
            delayed(lgb.train)({**settings, "seed": seed * 1000 + n}, binned, rounds) for n in range(bag)
        )
    )


def rounds_that_hold(
    matrix: np.ndarray,
    left: np.ndarray,
    later: np.ndarray,
    left_later: np.ndarray,
    directions: Sequence[int],
    *,
    weight: np.ndarray | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> int:
    """After how many rounds the log loss of rows of a later year stops falling: early stopping, in the past only.

    No fewer than 50: a short later year can be lucky early. Both years must lie before the one that calibrates.
    """
    settings = {**PARAMS, **(params or {}), "monotone_constraints": list(directions), "seed": seed * 1000}
    learn = lgb.Dataset(matrix, left, weight=weight, params=settings)
    stop = lgb.early_stopping(_PATIENCE, verbose=False)
    watched = lgb.Dataset(later, left_later, reference=learn)
    best = lgb.train({**settings, "metric": "binary_logloss"}, learn, _MOST_ROUNDS, [watched], callbacks=[stop])
    return max(best.best_iteration, _PATIENCE)


def log_odds(boosters: Sequence[lgb.Booster], matrix: np.ndarray) -> np.ndarray:
    """Mean log-odds of the bag, (rows,) float64, before calibration."""
    return np.asarray(np.mean([b.predict(matrix, raw_score=True) for b in boosters], axis=0))
