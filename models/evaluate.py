"""How good a ranking and its probabilities are, on rows nobody learned from.

Undefined is NaN, with the count beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from raksa.settings import Settings

_BINS = 10
METRICS = ("auc", "ap", "p10", "r10", "brier", "ece")


def figures(left: np.ndarray, risk: np.ndarray, share: float = 0.10) -> dict[str, float]:
    """The figures of one judged slice.

    left (rows,) 0 or 1; risk (rows,) probabilities. n, base (share who left), auc, ap (average precision), p10 and r10
    (precision and recall among the highest `share`), brier, ece (expected calibration error, 10 equal-width bins).
    """
    both = 0 < left.sum() < len(left)
    precision, recall = at_top(left, risk, int(len(left) * share))
    return {
        "n": len(left),
        "base": float(left.mean()) if len(left) else np.nan,
        "auc": float(roc_auc_score(left, risk)) if both else np.nan,
        "ap": float(average_precision_score(left, risk)) if both else np.nan,
        "p10": precision,
        "r10": recall,
        "brier": float(brier_score_loss(left, risk)) if len(left) else np.nan,
        "ece": calibration_error(left, risk),
    }


def at_top(left: np.ndarray, risk: np.ndarray, count: int) -> tuple[float, float]:
    """Precision and recall of the `count` highest. Ties at the line count with the share of them that fits."""
    if count < 1 or not len(left):
        return np.nan, np.nan
    line = np.partition(risk, -count)[-count]
    above, tied = risk > line, risk == line
    caught = left[above].sum() + left[tied].sum() * (count - above.sum()) / tied.sum()
    return float(caught / count), float(caught / left.sum()) if left.sum() else np.nan


def calibration_error(left: np.ndarray, risk: np.ndarray) -> float:
    """Expected calibration error: mean gap between foreseen and seen share over 10 equal-width bins, by their size."""
    if not len(left):
        return np.nan
    bins = np.minimum((risk * _BINS).astype(int), _BINS - 1)
    size = np.bincount(bins, minlength=_BINS)
    gap = np.abs(np.bincount(bins, left, _BINS) - np.bincount(bins, risk, _BINS))
    return float(gap.sum() / size.sum())


def intervals(
    left: np.ndarray, risk: np.ndarray, groups: np.ndarray, *, repeats: int = 200, seed: int = 0, level: float = 0.95
) -> Mapping[str, tuple[float, float]]:
    """Bootstrap intervals of the figures, drawing whole groups (learners or schools) with replacement."""
    draw = np.random.default_rng(seed)
    _, group = np.unique(groups, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 2))
    samples: list[dict[str, float]] = []
    for _ in range(repeats):
        drawn = draw.integers(0, len(starts) - 1, len(starts) - 1)
        if len(starts) - 1 == len(left):
            rows = order[drawn]
        else:
            rows = np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn])
        samples.append(figures(left[rows], risk[rows]))
    low, high = (1 - level) / 2, (1 + level) / 2
    return {
        name: (float(np.nanquantile(values, low)), float(np.nanquantile(values, high)))
        for name in METRICS
        if not np.isnan(values := np.array([s[name] for s in samples])).all()
    }


def capacity(learners: np.ndarray | int, settings: Settings) -> np.ndarray:
    """How many learners a school of so many can see to: its share of the roll, and no fewer than the least."""
    share = np.ceil(np.asarray(learners) * settings.capacity_share).astype(np.int64)
    return np.maximum(share, settings.capacity_least)


def listed(schools: pd.Series, risk: np.ndarray, settings: Settings, learners: pd.Series) -> np.ndarray:
    """Whether each row is on its school's list: the highest risks up to the school's capacity, as (rows,) bool.

    Rows without a risk (NaN) are on no list but count in the school's size. Equal risks stand in order of learner id.
    """
    rows = pd.DataFrame({"school": schools.to_numpy(), "risk": risk, "learner": learners.to_numpy()})
    size = rows.groupby("school")["risk"].transform("size").to_numpy()
    place = (
        rows.sort_values(["risk", "learner"], ascending=[False, True], na_position="last").groupby("school").cumcount()
    )
    return np.asarray((place.sort_index().to_numpy() < capacity(size, settings)) & ~np.isnan(risk))
