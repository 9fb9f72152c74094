"""The model's trees and calibration as a scikit-learn classifier: for researchers' own tables and comparisons.

    RiskClassifier(directions={"absent_rate_28d": 1}).fit(X, y, groups=learner).predict_proba(X_new)[:, 1]

`models.risk` grows the same trees with the same settings and adds what only the register knows: school rates, rows
shown without marks, stages, a later year to calibrate on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from models.calibration import calibrate
from models.shares import contributions
from models.trees import BAG, ROUNDS, grow, log_odds

_FOLDS = 5


class RiskClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A seeded bag of monotone LightGBM with calibrated probabilities. y is 0 or 1; NaN in X is *not known*.

    directions  feature → −1, 0 or +1, which more of it may do to the risk; those not named are free
    params      LightGBM's, over models.trees.PARAMS
    """

    def __init__(
        self,
        *,
        directions: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
        rounds: int = ROUNDS,
        bag: int = BAG,
        seed: int = 0,
    ) -> None:
        self.directions = directions
        self.params = params
        self.rounds = rounds
        self.bag = bag
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: Any,
        groups: Any = None,
        later: tuple[pd.DataFrame, Any] | None = None,
    ) -> Self:
        """Grow the bag and calibrate it: on `later` rows (X, y) of a time after, or on out-of-fold scores of these,
        rows of one group kept together."""
        left = np.asarray(y, np.float64)
        self.classes_ = np.array([0, 1])
        self.feature_names_in_ = np.array(list(X.columns), object)
        self.n_features_in_ = X.shape[1]
        matrix = self._matrix(X)
        self.boosters_ = self._grow(matrix, left, self.bag)
        if later is not None:
            self.calibration_ = calibrate(self.decision_function(later[0]), np.asarray(later[1], np.float64))
            return self
        if groups is None:
            folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=self.seed).split(matrix, left)
        else:
            folds = GroupKFold(_FOLDS, shuffle=True, random_state=self.seed).split(matrix, left, groups)
        out = np.zeros(len(left))
        for others, held in folds:
            out[held] = log_odds(self._grow(matrix[others], left[others], 1), matrix[held])
        self.calibration_ = calibrate(out, left)
        return self

    def _grow(self, matrix: np.ndarray, left: np.ndarray, bag: int) -> tuple[Any, ...]:
        ways = [(self.directions or {}).get(str(name), 0) for name in self.feature_names_in_]
        return grow(matrix, left, ways, params=self.params, rounds=self.rounds, bag=bag, seed=self.seed)

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        return X[list(self.feature_names_in_)].to_numpy(np.float32)

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """Log-odds before calibration, (rows,)."""
        check_is_fitted(self)
        return log_odds(self.boosters_, self._matrix(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities, (rows, 2): staying, leaving."""
        chance = self.calibration_(self.decision_function(X))
        return np.column_stack([1 - chance, chance])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """1 where leaving is the likelier; a list sized to capacity says more."""
        return np.asarray(self.predict_proba(X)[:, 1] >= 0.5, np.int64)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Log-odds each feature adds for each row; with the column `base` a row adds up to decision_function."""
        check_is_fitted(self)
        shares = contributions(self.boosters_, self._matrix(X))
        return pd.DataFrame(shares, columns=[*map(str, self.feature_names_in_), "base"], index=X.index)
