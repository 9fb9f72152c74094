"""The risk model: a small seeded bag of LightGBM, monotone where the registry says so, calibrated, saved as text.

fit(…) → Risk          learn from a panel
Risk.raw(X)            log-odds before calibration, averaged over the bag
Risk.predict(X)        calibrated probability of leaving
Risk.contributions(X)  exact TreeSHAP contributions, which add up to raw(X)
save(…), load(…)       LightGBM text and JSON with checksums; an altered file is refused
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from features.registry import BY_NAME, FEATURES, SCHOOL_LEAVING_RATE
from raksa.errors import RaksaError

BAG = 4
# Small trees: they rank as well on a few thousand learners, and exact reasons cost a fraction (docs/performance.md).
PARAMS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 250
_FOLDS = 5
# A school's leaving rate counts this many learners at the average of all beside its own: one leaver of ten is not 10 %.
_AVERAGE_LEARNERS = 100
_SCHOOL = SCHOOL_LEAVING_RATE.name
_FROM_MARKS = [f.name for f in FEATURES if f.family == "attendance" or f.name == "class_absent_rate"]


@dataclass(frozen=True)
class Calibration:
    """From the bag's log-odds to a probability: sigmoid(slope · log-odds + intercept), Platt's.

    Steps (isotonic) were no better calibrated on later years and cost 0.01 to 0.015 of average precision by making
    ties (docs/accuracy.md).
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        return _sigmoid(self.slope * log_odds + self.intercept)


@dataclass(frozen=True)
class SchoolRates:
    """Share of each school's learners who left in the training years, drawn to the average: partial pooling.

    Branches count with their main school. A school not seen in training has the average.
    """

    average: float
    schools: Mapping[str, float]

    def __call__(self, main_school: pd.Series) -> np.ndarray:
        return main_school.map(dict(self.schools)).fillna(self.average).to_numpy(np.float64)


@dataclass(frozen=True)
class Risk:
    """A fitted model: boosters, calibration, school rates, the features it reads and what it learned from."""

    boosters: tuple[lgb.Booster, ...]
    calibration: Calibration
    school_rates: SchoolRates
    features: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def _matrix(self, rows: pd.DataFrame) -> np.ndarray:
        rows = rows.assign(**{_SCHOOL: self.school_rates(rows["main_school_id"])})
        missing = [f for f in self.features if f not in rows]
        if missing:
            raise RaksaError(
                f"The model reads the feature {missing[0]!r}, which these rows do not have. Rebuild the features."
            )
        return rows[list(self.features)].to_numpy(np.float32)

    def raw(self, rows: pd.DataFrame) -> np.ndarray:
        matrix = self._matrix(rows)
        return np.mean([b.predict(matrix, raw_score=True) for b in self.boosters], axis=0)  # type: ignore[no-any-return]

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return self.calibration(self.raw(rows))

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Log-odds each feature adds for each row; with the column `base` a row adds up to raw()."""
        matrix = self._matrix(rows)
        shares = np.mean([b.predict(matrix, pred_contrib=True) for b in self.boosters], axis=0)
        return pd.DataFrame(shares, columns=[*self.features, "base"], index=rows.index)


def fit(
    train: pd.DataFrame,
    features: Sequence[str],
    *,
    later: pd.DataFrame | None = None,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
    bag: int = BAG,
    about: Mapping[str, Any] | None = None,
) -> Risk:
    """Learn from panel rows with a known outcome (`left`).

    Calibrated on `later`, rows after the training years; without them, on out-of-fold predictions of the training rows
    with learners kept together. Features that never vary in training are left out. Raises RaksaError when the rows hold
    no one who left, or no one who stayed.
    """
    train = train[train["left"].notna()]
    if train["left"].nunique() < 2:
        raise RaksaError(
            "Nothing to learn from: the training years hold no leavers, or only leavers. Import more years."
        )
    used = (*(f for f in features if train[f].nunique() > 1), _SCHOOL)
    settings = {**PARAMS, **(params or {}), "monotone_constraints": [BY_NAME[f].direction for f in used]}
    learned = _learn(train, used, settings, rounds, bag, seed)
    known = later[later["left"].notna()] if later is not None else train.iloc[:0]
    if len(known):
        calibration = calibrate(learned.raw(known), known["left"].to_numpy())
    else:
        calibration = calibrate(_out_of_fold(train, used, settings, rounds, seed), train["left"].to_numpy())
    facts = {
        "rows": len(train),
        "left": int(train["left"].sum()),
        "learners": int(train["learner_id"].nunique()),
        "calibrated_on": len(known) or "out-of-fold rows of the training years",
        "rounds": rounds,
        "bag": bag,
        "seed": seed,
        "params": settings,
    }
    return replace(learned, calibration=calibration, about={**facts, **(about or {})})


def _learn(
    rows: pd.DataFrame, used: tuple[str, ...], settings: Mapping[str, Any], rounds: int, bag: int, seed: int
) -> Risk:
    """The bag, not yet calibrated."""
    folds = list(_folds(rows))
    rates = np.zeros(len(rows))
    for others, held in folds:  # a learner's own leaving must not tell the model her school's rate
        rates[held] = school_rates(rows.iloc[others])(rows["main_school_id"].iloc[held])
    taught = rows.assign(**{_SCHOOL: rates})[[*used, "left"]]
    # A school that sends no marks must not be judged by what missing marks happened to mean in the past (often just
    # *which* school it was): every row with marks is shown a second time without them.
    blank = [f for f in used if f in _FROM_MARKS]
    if blank:
        marked = taught[taught[blank].notna().any(axis=1)]
        taught = pd.concat([taught, marked.assign(**dict.fromkeys(blank, np.nan))], ignore_index=True)
    matrix, left = taught[list(used)].to_numpy(np.float32), taught["left"].to_numpy()
    # One thread a tree bag and the bags side by side: OpenMP's own threads wait for each other at every split, and on a
    # machine that does something else as well that made training thirty times slower.
    boosters = tuple(
        Parallel(n_jobs=2, prefer="threads")(
            delayed(lgb.train)({**settings, "seed": seed * 1000 + n}, lgb.Dataset(matrix, left), rounds)
            for n in range(bag)
        )
    )
    return Risk(boosters, Calibration(), school_rates(rows), used)


def school_rates(rows: pd.DataFrame) -> SchoolRates:
    """Leaving rates of the main schools in the rows, each drawn to the average of all."""
    average = float(rows["left"].mean())
    by = rows.groupby("main_school_id")["left"].agg(["sum", "size"])
    drawn = (by["sum"] + _AVERAGE_LEARNERS * average) / (by["size"] + _AVERAGE_LEARNERS)
    return SchoolRates(average, {str(school): float(rate) for school, rate in drawn.items()})


def _folds(rows: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row positions of the others and of the held, five times; all rows of a learner are on one side."""
    learners = rows["learner_id"]
    yield from GroupKFold(min(_FOLDS, learners.nunique()), shuffle=True, random_state=0).split(rows, groups=learners)


def _out_of_fold(
    rows: pd.DataFrame, used: tuple[str, ...], settings: Mapping[str, Any], rounds: int, seed: int
) -> np.ndarray:
    """Log-odds of each row by a model that saw none of its learner's rows."""
    out = np.zeros(len(rows))
    for others, held in _folds(rows):
        out[held] = _learn(rows.iloc[others], used, settings, rounds, 1, seed).raw(rows.iloc[held])
    return out


def calibrate(log_odds: np.ndarray, left: np.ndarray) -> Calibration:
    """Platt's sigmoid fitted on log-odds and outcomes of rows the bag did not learn from.

    Fewer than 20 leavers cannot carry a slope: then only the level is moved.
    """
    if left.sum() < 20 or len(left) - left.sum() < 20:
        return Calibration(1.0, float(np.log((left.mean() + 1e-4) / (_sigmoid(log_odds).mean() + 1e-4))))
    platt = LogisticRegression(C=1e6).fit(log_odds.reshape(-1, 1), left)
    return Calibration(float(platt.coef_[0, 0]), float(platt.intercept_[0]))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)), np.float64)


# ---------------------------------------------------------------------------------------------------- on disk
def save(risk: Risk, folder: Path, card: Mapping[str, Any]) -> None:
    """Write model-<n>.txt, calibration.json, school_rates.json, features.json, card.json and checksums.json into an
    empty folder."""
    for n, booster in enumerate(risk.boosters, start=1):
        (folder / f"model-{n}.txt").write_text(booster.model_to_string(), encoding="utf-8")
    _json(folder / "calibration.json", asdict(risk.calibration))
    _json(folder / "school_rates.json", asdict(risk.school_rates))
    _json(folder / "features.json", list(risk.features))
    _json(folder / "card.json", {**card, "learned": risk.about})
    files = sorted(f for f in folder.iterdir() if f.name != "checksums.json")
    _json(folder / "checksums.json", {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files})


def load(folder: Path) -> Risk:
    """Read a saved model. Raises RaksaError if a file is missing or is not the one that was saved."""
    sums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    for name, expected in sums.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            raise RaksaError(
                f"{file} is missing or was changed after it was saved. Train again, or put the saved file back."
            )
    boosters = tuple(
        lgb.Booster(model_str=file.read_text(encoding="utf-8")) for file in sorted(folder.glob("model-*.txt"))
    )
    calibration = Calibration(**json.loads((folder / "calibration.json").read_text(encoding="utf-8")))
    features = tuple(json.loads((folder / "features.json").read_text(encoding="utf-8")))
    about = json.loads((folder / "card.json").read_text(encoding="utf-8"))["learned"]
    rates = SchoolRates(**json.loads((folder / "school_rates.json").read_text(encoding="utf-8")))
    return Risk(boosters, calibration, rates, features, about)


def _json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str), encoding="utf-8")
