"""The risk model: a bag of monotone trees, calibrated by stage, drawn to each school's level, saved as text.

fit(…) → Risk          learn from a panel
Risk.raw(X)            log-odds before calibration, averaged over the bag
Risk.predict(X)        calibrated probability of leaving
Risk.contributions(X)  exact TreeSHAP contributions, which add up to raw(X)
Risk.hits(X, lists)    how many of each list would leave, with an interval
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
from scipy.special import expit, logit
from sklearn.model_selection import GroupKFold, GroupShuffleSplit

from features.registry import BY_NAME, FEATURES, SCHOOL_LEAVING_RATE
from models import trees
from models.calibration import Calibration, calibrate, stage_of
from models.pooling import Levels, SchoolRates, levels, school_rates
from models.shares import contributions
from models.trees import BAG, PARAMS, ROUNDS
from models.uncertainty import Curves, curves, hits
from raksa.errors import RaksaError

_FOLDS = 5
_EDGE = 1e-9
SCHOOL = SCHOOL_LEAVING_RATE.name
_FROM_MARKS = [f.name for f in FEATURES if f.family == "attendance" or f.name == "class_absent_rate"]


@dataclass(frozen=True)
class Risk:
    """A fitted model: boosters, school rates, the features it reads, calibration, what it learned from."""

    boosters: tuple[lgb.Booster, ...]
    school_rates: SchoolRates
    features: tuple[str, ...]
    calibration: Calibration = field(default_factory=Calibration)
    levels: Levels = field(default_factory=Levels)
    curves: Curves = field(default_factory=Curves)
    about: Mapping[str, Any] = field(default_factory=dict)

    def matrix(self, rows: pd.DataFrame) -> np.ndarray:
        """What the trees read, (rows, features) float32. Raises RaksaError naming a feature the rows do not have."""
        rows = rows.assign(**{SCHOOL: self.school_rates(rows["main_school_id"])})
        missing = [f for f in self.features if f not in rows]
        if missing:
            raise RaksaError(
                f"The model reads the feature {missing[0]!r}, which these rows do not have. Rebuild the features."
            )
        return rows[list(self.features)].to_numpy(np.float32)

    def raw(self, rows: pd.DataFrame) -> np.ndarray:
        return trees.log_odds(self.boosters, self.matrix(rows))

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        chance = self.calibration(self.raw(rows), stage_of(rows["grade"]))
        return _shifted(chance, self.levels.shift(rows["main_school_id"]))

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Log-odds each feature adds for each row; with the column `base` a row adds up to raw()."""
        shares = contributions(self.boosters, self.matrix(rows))
        return pd.DataFrame(shares, columns=[*self.features, "base"], index=rows.index)

    def hits(self, rows: pd.DataFrame, chance: np.ndarray, lists: np.ndarray) -> pd.DataFrame:
        """One row a list: learners, expected leavers and the interval low–high (`models.uncertainty.hits`)."""
        main = rows["main_school_id"]
        return hits(chance, lists, main.to_numpy(), self.levels.spread(main), self.curves)


def fit(
    train: pd.DataFrame,
    features: Sequence[str],
    *,
    later: pd.DataFrame | None = None,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    rounds: int | None = ROUNDS,
    bag: int = BAG,
    about: Mapping[str, Any] | None = None,
) -> Risk:
    """Learn from panel rows with a known outcome (`left`).

    Calibrated on `later`, rows after the training years; without them, on out-of-fold predictions of the training rows
    with learners kept together. Features that never vary in training are left out. Raises RaksaError when the rows hold
    no one who left, or no one who stayed. With `rounds` None their number is where the loss of the last training year
    stops falling (`past_split`).
    """
    train = train[train["left"].notna()]
    if train["left"].nunique() < 2:
        raise RaksaError(
            "Nothing to learn from: the training years hold no leavers, or only leavers. Import more years."
        )
    used = (*(f for f in features if train[f].nunique() > 1), SCHOOL)
    settings = {**PARAMS, **(params or {})}
    if rounds is None:
        rounds = _early_stop(train, used, settings, seed)
    learned = _learn(train, used, settings, rounds, bag, seed)
    known = later[later["left"].notna()] if later is not None else train.iloc[:0]
    held_out = bool(len(known))
    if held_out:
        fitted = calibrated(learned, known, learned.raw(known), seed)
    else:
        fitted = calibrated(learned, train, _out_of_fold(train, used, settings, rounds, seed), seed)
    facts = {
        "rows": len(train),
        "left": int(train["left"].sum()),
        "learners": int(train["learner_id"].nunique()),
        "calibrated_on": len(known) if held_out else "out-of-fold rows of the training years",
        "rounds": rounds,
        "bag": bag,
        "seed": seed,
        "params": settings,
    }
    return replace(fitted, about={**facts, **(about or {})})


def past_split(rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and later rows to look at, all of the past: the last year, or with one year a third of its
    schools."""
    years = sorted(rows["academic_year"].unique())
    if len(years) > 1:
        return rows[rows["academic_year"] < years[-1]], rows[rows["academic_year"] == years[-1]]
    apart = GroupShuffleSplit(1, test_size=1 / 3, random_state=seed)
    others, held = next(apart.split(rows, groups=rows["main_school_id"]))
    return rows.iloc[others], rows.iloc[held]


def calibrated(learned: Risk, rows: pd.DataFrame, log_odds: np.ndarray, seed: int) -> Risk:
    """With curve, school levels and what is not sure of them, from rows whose log-odds are none of their own making."""
    left, main, stage = rows["left"].to_numpy(), rows["main_school_id"], stage_of(rows["grade"])
    calibration = calibrate(log_odds, left, stage, main.to_numpy())
    chance = calibration(log_odds, stage)
    level = levels(rows, chance)
    drawn = curves(_shifted(chance, level.shift(main)), left, main.to_numpy(), seed=seed)
    return replace(learned, calibration=calibration, levels=level, curves=drawn)


def _shifted(chance: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return np.asarray(expit(logit(np.clip(chance, _EDGE, 1 - _EDGE)) + shift))


def _learn(
    rows: pd.DataFrame, used: tuple[str, ...], settings: Mapping[str, Any], rounds: int, bag: int, seed: int
) -> Risk:
    """The bag, not yet calibrated."""
    matrix, left, weight = _taught(rows, used)
    boosters = trees.grow(
        matrix, left, directions(used), weight=weight, params=settings, rounds=rounds, bag=bag, seed=seed
    )
    return Risk(boosters, school_rates(rows), used)


def _early_stop(rows: pd.DataFrame, used: tuple[str, ...], settings: Mapping[str, Any], seed: int) -> int:
    """Rounds after which a later part of the training rows is foreseen no better; the usual number without leavers."""
    learn, later = past_split(rows, seed)
    if min(learn["left"].nunique(), later["left"].nunique()) < 2:
        return ROUNDS
    seen = later.assign(**{SCHOOL: school_rates(learn)(later["main_school_id"])})
    matrix, left, weight = _taught(learn, used)
    watched = seen[list(used)].to_numpy(np.float32), seen["left"].to_numpy()
    return trees.rounds_that_hold(
        matrix, left, *watched, directions(used), weight=weight, params=settings, seed=seed
    )  # fmt: skip


def directions(used: tuple[str, ...]) -> list[int]:
    return [BY_NAME[f].direction for f in used]


def _taught(rows: pd.DataFrame, used: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`shown` of the training rows, with the rates of their schools."""
    rates = np.zeros(len(rows))
    for others, held in _folds(rows):  # a learner's own leaving must not tell the model her school's rate
        rates[held] = school_rates(rows.iloc[others])(rows["main_school_id"].iloc[held])
    return shown(rows, rates, used)


def shown(rows: pd.DataFrame, rates: np.ndarray, used: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the trees are shown of rows whose schools have `rates`: (shown, features) float32, who left (shown,), and
    how much each counts (shown,): a row that is shown twice counts half each time."""
    taught = rows.assign(**{SCHOOL: rates})[[*used, "left"]]
    # A school that sends no marks must not be judged by what missing marks happened to mean in the past (often just
    # *which* school it was): every row with marks is shown a second time without them.
    weight = np.ones(len(taught))
    if blank := [f for f in used if f in _FROM_MARKS]:
        marked = taught[blank].notna().any(axis=1).to_numpy()
        weight[marked] = 0.5
        without = taught[marked].assign(**dict.fromkeys(blank, np.nan))
        taught, weight = pd.concat([taught, without], ignore_index=True), np.append(weight, weight[marked])
    return taught[list(used)].to_numpy(np.float32), taught["left"].to_numpy(), weight


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


# ---------------------------------------------------------------------------------------------------- on disk
def save(risk: Risk, folder: Path, card: Mapping[str, Any], watched: Mapping[str, Any] | None = None) -> None:
    """Write model-<n>.txt, calibration.json, school_rates.json, levels.json, curves.json, features.json, card.json,
    watch.json (`models.watch.reference`) and checksums.json into an empty folder."""
    for n, booster in enumerate(risk.boosters, start=1):
        (folder / f"model-{n}.txt").write_text(booster.model_to_string(), encoding="utf-8")
    _json(folder / "calibration.json", asdict(risk.calibration))
    _json(folder / "school_rates.json", asdict(risk.school_rates))
    _json(folder / "levels.json", asdict(risk.levels))
    _json(folder / "curves.json", asdict(risk.curves))
    _json(folder / "features.json", list(risk.features))
    _json(folder / "card.json", {**card, "learned": risk.about})
    if watched is not None:
        _json(folder / "watch.json", watched)
    files = sorted(f for f in folder.iterdir() if f.name != "checksums.json")
    _json(folder / "checksums.json", {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files})


def load(folder: Path) -> Risk:
    """Read a saved model. Raises RaksaError if a file is missing, is not the one that was saved, or is of another
    version."""
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

    def said(name: str) -> Any:
        if not (folder / f"{name}.json").is_file():
            raise RaksaError(f"{folder} was made by another version of Raksa. Train again (`raksa train`).")
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    level = said("levels")
    return Risk(
        boosters,
        SchoolRates(**said("school_rates")),
        tuple(said("features")),
        Calibration.read(said("calibration")),
        Levels(level["between"], {school: (mean, spread) for school, (mean, spread) in level["schools"].items()}),
        Curves(tuple((slope, shift) for slope, shift in said("curves")["drawn"])),
        said("card")["learned"],
    )


def _json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str), encoding="utf-8")
