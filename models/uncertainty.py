"""How many of a list would leave, as an interval people can use: "of these 20, about 6 would leave (3–9)".

Three things are not known: which of the children with a risk of 0.3 are the three in ten; how far a school departs from
what the model says of it (`models.pooling.Levels`); and how well the calibrating year pinned the curve down, seen by
drawing its schools anew. Each of the draws below varies all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

LEVEL = 0.90
_EDGE = 1e-9
_CURVES = 100
_BINS = 100
_DRAWS = 1000
_LEAST = 20  # leavers that carry a curve of their own


@dataclass(frozen=True)
class Curves:
    """Slope and shift of the calibrated log-odds, as each drawing of the calibrating schools would have had them."""

    drawn: tuple[tuple[float, float], ...] = ((1.0, 0.0),)


def curves(chance: np.ndarray, left: np.ndarray, schools: np.ndarray, *, seed: int = 0) -> Curves:
    """Curves from rows that calibrated: probabilities, outcomes and schools, each (rows,). Whole schools are drawn.

    With fewer than 20 leavers the curve cannot be told: then the one that was fitted stands alone.
    """
    if min(left.sum(), (1 - left).sum()) < _LEAST:
        return Curves()
    draw = np.random.default_rng(seed)
    codes, names = pd.factorize(schools)
    odds = logit(np.clip(chance, _EDGE, 1 - _EDGE))
    # A hundred curves of a nation's rows: rows of a school within one hundredth of the scores are counted together.
    cell = np.argsort(np.argsort(odds, kind="stable")) * _BINS // len(odds)
    centre = np.bincount(cell, odds, _BINS) / np.maximum(np.bincount(cell, minlength=_BINS), 1)
    counted = np.stack(
        [np.bincount(codes * _BINS + cell, of, len(names) * _BINS).reshape(-1, _BINS) for of in (1 - left, left)]
    )
    found: list[tuple[float, float]] = []
    while len(found) < _CURVES:
        drawn = np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))
        stayed, gone = drawn @ counted
        if not gone.sum() or not stayed.sum():
            continue  # a drawing without a leaver has no curve
        weight, outcome = np.append(stayed, gone), np.repeat([0, 1], _BINS)
        fitted = LogisticRegression(C=100.0).fit(np.tile(centre, 2).reshape(-1, 1), outcome, weight)
        found.append((float(fitted.coef_[0, 0]), float(fitted.intercept_[0])))
    return Curves(tuple(found))


def hits(
    chance: np.ndarray, lists: np.ndarray, schools: np.ndarray, spread: np.ndarray, drawn: Curves, *, seed: int = 0
) -> pd.DataFrame:
    """One row a list, in ascending order of its name: learners, expected leavers, and the 90 % interval low–high.

    chance (rows,) calibrated probabilities; lists (rows,) the list each stands on; schools (rows,) and spread (rows,)
    the deviation of the school's log-odds. Same input, same numbers.
    """
    draw = np.random.default_rng(seed)
    names, of = np.unique(lists, return_inverse=True)
    school, known = pd.factorize(schools)
    size = np.bincount(of, minlength=len(names))
    deviation = np.zeros(len(known))
    deviation[school] = spread
    odds = logit(np.clip(chance, _EDGE, 1 - _EDGE))
    each = max(_DRAWS // len(drawn.drawn), 1)
    seen = []
    for slope, shift in drawn.drawn:
        own = draw.normal(0, 1, len(known)) * deviation
        mean = np.bincount(of, expit(slope * odds + shift + own[school]), minlength=len(names)) / np.maximum(size, 1)
        seen.append(draw.binomial(size, np.clip(mean, 0, 1), (each, len(names))))
    low, high = np.quantile(np.concatenate(seen), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0, method="nearest")
    expected = np.bincount(of, chance, minlength=len(names))
    return pd.DataFrame({"learners": size, "expected": expected, "low": low, "high": high}, index=names)


def covered(found: pd.DataFrame, left: Mapping[object, float] | pd.Series) -> dict[str, float]:
    """How many lists' leavers lay in their interval: lists, covered, share; share NaN without a list."""
    seen = pd.Series(left).reindex(found.index)
    inside = (seen >= found["low"]) & (seen <= found["high"])
    return {
        "lists": len(found),
        "covered": int(inside.sum()),
        "share": float(inside.mean()) if len(found) else float("nan"),
    }
