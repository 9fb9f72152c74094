"""From a score to a probability: curves fitted on later rows than the trees learned from, one a stage of schooling.

Three kinds of curve: Platt's sigmoid (two numbers), beta (Kull, Silva Filho, Flach 2017; three) and isotonic (steps
joined by lines). Which, is decided on the calibrating rows themselves, by log loss with whole schools held out; Platt's
stands unless another is better by more than chance. All rise with the score: one more absence never lowers a risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, log_expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from raksa.tables import GRADE_LEVEL

KINDS = ("platt", "beta", "isotonic")
STAGES = {"primary": "อ.1–ป.6", "lower": "ม.1–ม.3", "upper": "ม.4–ม.6, ปวช."}
_LEAST = 20  # leavers, and stayers, that carry a slope; with fewer only the level is moved
_OWN = 200  # leavers from which a stage has a curve of its own
_LEAST_STEP = 20  # leavers a school-held-out choice of the kind takes
_EDGE = 1e-6


@dataclass(frozen=True)
class Curve:
    """One curve: its kind, and its numbers: platt slope, intercept; beta a, b, c; isotonic the scores, then the
    probabilities."""

    kind: str = "platt"
    numbers: tuple[float, ...] = (1.0, 0.0)

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        if self.kind == "isotonic":
            half = len(self.numbers) // 2
            return np.asarray(np.interp(log_odds, self.numbers[:half], self.numbers[half:]))
        if self.kind == "beta":
            a, b, c = self.numbers
            return np.asarray(expit(a * log_expit(log_odds) - b * log_expit(-log_odds) + c))
        slope, intercept = self.numbers
        return np.asarray(expit(slope * log_odds + intercept))


@dataclass(frozen=True)
class Calibration:
    """The curve of all, and of each stage that has one of its own."""

    whole: Curve = field(default_factory=Curve)
    stages: Mapping[str, Curve] = field(default_factory=dict)

    def __call__(self, log_odds: np.ndarray, stage: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, (rows,); `stage` as `stage_of` gives it, or None."""
        out = self.whole(log_odds)
        for name, curve in self.stages.items() if stage is not None else ():
            mine = stage == name
            out[mine] = curve(log_odds[mine])
        return out

    @classmethod
    def read(cls, kept: Mapping[str, Mapping[str, object]]) -> Calibration:
        """From the JSON of `dataclasses.asdict`."""

        def curve(said: Mapping[str, object]) -> Curve:
            return Curve(str(said["kind"]), tuple(said["numbers"]))  # type: ignore[arg-type]

        stages = {name: curve(said) for name, said in kept["stages"].items()}  # type: ignore[arg-type]
        return cls(curve(kept["whole"]), stages)


def stage_of(grades: pd.Series) -> np.ndarray:
    """The stage of each grade: a key of STAGES, or "" for a course without grades."""
    last = {"primary": GRADE_LEVEL["ป.6"], "lower": GRADE_LEVEL["ม.3"], "upper": GRADE_LEVEL["ปวช.3"]}
    codes, words = pd.factorize(grades)
    named = [
        next((s for s, top in last.items() if GRADE_LEVEL[w] <= top), "") if w in GRADE_LEVEL else "" for w in words
    ]
    return np.array([*named, ""])[codes]


def calibrate(
    log_odds: np.ndarray, left: np.ndarray, stage: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Calibration:
    """The calibration of rows the trees did not learn from. `groups` are the schools; without them, or with too few
    leavers, Platt's sigmoid is not put to the test."""
    kind = _choose(log_odds, left, stage, groups) if groups is not None else "platt"
    return _fit(kind, log_odds, left, stage)


def _fit(kind: str, log_odds: np.ndarray, left: np.ndarray, stage: np.ndarray | None) -> Calibration:
    whole = curve(kind, log_odds, left)
    own: dict[str, Curve] = {}
    for name in STAGES if stage is not None else ():
        mine = stage == name
        if min(left[mine].sum(), (1 - left[mine]).sum()) >= _OWN:
            own[name] = curve(kind, log_odds[mine], left[mine])
    return Calibration(whole, own)


def curve(kind: str, log_odds: np.ndarray, left: np.ndarray) -> Curve:
    """The curve of one kind. Fewer than 20 leavers cannot carry a slope: then only the level is moved. A slope that
    would fall is none."""
    if min(left.sum(), (1 - left).sum()) >= _LEAST:
        if kind == "isotonic":
            steps = IsotonicRegression(y_min=_EDGE, y_max=1 - _EDGE).fit(log_odds, left)
            return Curve(kind, (*map(float, steps.X_thresholds_), *map(float, steps.y_thresholds_)))
        if kind == "beta":
            parts = np.column_stack([log_expit(log_odds), -log_expit(-log_odds)])
            fitted = LogisticRegression(C=1e6, max_iter=1000).fit(parts, left)
            a, b = fitted.coef_[0]
            if a >= 0 and b >= 0:
                return Curve(kind, (float(a), float(b), float(fitted.intercept_[0])))
        platt = LogisticRegression(C=1e6).fit(log_odds.reshape(-1, 1), left)
        if platt.coef_[0, 0] > 0:
            return Curve("platt", (float(platt.coef_[0, 0]), float(platt.intercept_[0])))
    seen = (left.sum() + 0.5) / (len(left) + 1)  # nobody of a hundred is not never
    level = brentq(lambda shift: expit(log_odds + shift).mean() - seen, -30, 30) if len(left) else 0.0
    return Curve("platt", (1.0, float(level)))


def _choose(log_odds: np.ndarray, left: np.ndarray, stage: np.ndarray | None, groups: np.ndarray) -> str:
    """The kind whose log loss on held-out schools is lowest; another than Platt's only if the gain is larger than its
    standard error over the folds."""
    folds = min(5, len(np.unique(groups)))
    if folds < 3 or left.sum() < folds * _LEAST_STEP:
        return "platt"
    losses: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for others, held in GroupKFold(folds, shuffle=True, random_state=0).split(log_odds, groups=groups):
        for kind in KINDS:
            fitted = _fit(kind, log_odds[others], left[others], None if stage is None else stage[others])
            chance = fitted(log_odds[held], None if stage is None else stage[held])
            losses[kind].append(log_loss(left[held], np.clip(chance, _EDGE, 1 - _EDGE), labels=[0, 1]))
    best = "platt"
    for kind in KINDS[1:]:
        gain = np.subtract(losses["platt"], losses[kind])
        if gain.mean() > gain.std(ddof=1) / np.sqrt(folds) and np.mean(losses[kind]) < np.mean(losses[best]):
            best = kind
    return best
