"""How good a ranking and its probabilities are, on rows nobody learned from.

Undefined is NaN, with the count beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from raksa.settings import Settings

_BINS = 10
METRICS = ("auc", "ap", "p10", "r10", "brier", "ece")
_NONE: Mapping[str, float] = {}


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


class Ranked:
    """Rows in order of their scores, sorted once: AUC and average precision of many drawings are then sums along them.

    left (rows,) 0 or 1; scores (rows,), higher = sooner. Ties are ties, as scikit-learn counts them.
    """

    def __init__(self, left: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.left = left[self.order]
        ranked = scores[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)

    def __call__(self, weight: np.ndarray) -> tuple[float, float]:
        """AUC and average precision with each row counted `weight` times; NaN when one of the two kinds is missing."""
        own = weight[self.order]
        caught = np.cumsum(own * self.left)[self.ends]
        wrong = np.cumsum(own * (1 - self.left))[self.ends]
        if not caught[-1] or not wrong[-1]:
            return np.nan, np.nan
        auc = np.trapezoid(np.append(0, caught), np.append(0, wrong)) / caught[-1] / wrong[-1]
        listed = caught + wrong
        precision = np.divide(caught, listed, out=np.zeros(len(listed)), where=listed > 0)
        return float(auc), float((np.diff(caught, prepend=0) * precision).sum() / caught[-1])


@dataclass(frozen=True)
class Places:
    """Who is on lists of given lengths: above and tied (rows,) bool, and the share of the tied that fits (rows,)."""

    above: np.ndarray
    tied: np.ndarray
    fits: np.ndarray
    of: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """How much of each row is on its list, 0 to 1: equal scores at the line share what room is left."""
        return np.asarray(self.above + self.tied * self.fits)

    def luck(self, left: np.ndarray) -> tuple[float, float]:
        """How many who left are listed if ties fall the worst way, and the best."""
        lists = self.of.max(initial=-1) + 1
        tied = np.bincount(self.of, self.tied, lists)
        leaving = np.bincount(self.of, self.tied * left, lists)
        room = np.bincount(self.of, self.tied * self.fits, lists)
        sure = float((self.above * left).sum())
        worst, best = np.maximum(room - (tied - leaving), 0), np.minimum(leaving, room)
        return sure + float(worst.sum()), sure + float(best.sum())


def places(scores: np.ndarray, lists: np.ndarray, sizes: np.ndarray) -> Places:
    """The highest scores of each list up to its size. lists (rows,) codes 0…k−1; sizes (k,)."""
    order = np.lexsort((-scores, lists))
    count = np.bincount(lists, minlength=len(sizes))
    room = np.minimum(sizes, count)
    at = np.cumsum(count) - count + room - 1
    line = np.where(room > 0, scores[order[np.clip(at, 0, len(order) - 1)]], np.inf)[lists]
    above, tied = scores > line, scores == line
    left_over = room - np.bincount(lists, above, len(sizes))
    share = np.divide(left_over, np.bincount(lists, tied, len(sizes)), out=np.zeros(len(sizes)), where=left_over > 0)
    return Places(above, tied, share[lists], lists)


def capacity(learners: np.ndarray | int, settings: Settings, own: np.ndarray | float = np.nan) -> np.ndarray:
    """How many learners a school of so many can see to: what it has set itself (`own`; NaN = nothing), else its share
    of the roll, and no fewer than the least."""
    share = np.ceil(np.asarray(learners) * settings.capacity_share)
    return np.asarray(np.where(np.isnan(own), np.maximum(share, settings.capacity_least), own)).astype(np.int64)


def listed(
    schools: pd.Series, risk: np.ndarray, settings: Settings, learners: pd.Series, own: Mapping[str, float] = _NONE
) -> np.ndarray:
    """Whether each row is on its school's list: the highest risks up to the school's capacity, as (rows,) bool.

    Rows without a risk (NaN) are on no list but count in the school's size. Equal risks stand in order of learner id.
    `own`: school -> the capacity it has set itself.
    """
    rows = pd.DataFrame({"school": schools.to_numpy(), "risk": risk, "learner": learners.to_numpy()})
    size = rows.groupby("school")["risk"].transform("size").to_numpy()
    place = (
        rows.sort_values(["risk", "learner"], ascending=[False, True], na_position="last").groupby("school").cumcount()
    )
    room = capacity(size, settings, rows["school"].map(own).to_numpy(dtype=float))
    return np.asarray((place.sort_index().to_numpy() < room) & ~np.isnan(risk))
