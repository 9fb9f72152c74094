"""Train, judge forward in time, and save: `raksa train`.

With closed years … Y−2, Y−1, Y (their outcome known):

    judged      learn ≤ Y−2, calibrate on Y−1, judge on Y     these figures go on the card
    published   learn ≤ Y−1, calibrate on Y                   this model scores the children of today

With two closed years the first is learned from, calibrated on out-of-fold rows, and the second judges.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.readiness import cannot_score
from features.registry import MODEL_FEATURES
from models.baselines import RULES, baselines
from models.evaluate import at_top, capacity, figures, intervals
from models.panel import closed_years, panel, slices
from models.risk import Risk, fit, save
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store


@dataclass(frozen=True)
class Trained:
    """A saved model and what its card says."""

    model: str
    card: Mapping[str, Any]


def train(store: Store, settings: Settings, progress: Callable[[str], None] | None = None) -> Trained:
    """Build the panel, judge, fit the model to publish, save it and point the store at it.

    Raises RaksaError with fewer than two closed years. Same register, same settings: same bytes.
    """
    say = progress or (lambda _: None)
    years = closed_years(store, settings)
    if len(years) < 2:
        raise RaksaError(
            "Training needs at least two academic years whose following 10 June list is in the register; "
            f"found {years}. Import the lists of earlier years."
        )
    rows = panel(store, settings, slices(years, settings), say)
    rows = rows.assign(cannot_score=cannot_score(rows, settings))
    usable = rows[rows["cannot_score"].isna()]
    say(f"judging on {years[-1]}")
    judged_by = _fit(usable, years[:-1], settings)
    judged = judge(judged_by, usable, years, settings)
    say(f"fitting on {years[0]} to {years[-1]}")
    published = _fit(usable, years, settings)
    card = {
        "years": years,
        "horizon": settings.horizon,
        "panel_days": list(settings.panel_days),
        "snapshots": list(store.current().snapshots),
        "counts": _counts(rows),
        "judged": judged,
        "rules": RULES,
    }
    with store.writing():
        held = [b.model_to_string() for b in published.boosters] + [json.dumps(card, default=str)]
        model = f"{years[-1]}-{hashlib.sha256(''.join(held).encode()).hexdigest()[:8]}"
        with store.publishing("models", model) as folder:
            save(published, folder, {"id": model, **card})
        store.point(model=model)
    return Trained(model, {"id": model, **card})


def _fit(rows: pd.DataFrame, years: list[int], settings: Settings) -> Risk:
    """Learn from all but the last of the years and calibrate on the last; with one year, out of fold."""
    learn, later = (years[:-1], years[-1:]) if len(years) > 1 else (years, [])
    return fit(
        rows[rows["academic_year"].isin(learn)],
        MODEL_FEATURES,
        later=rows[rows["academic_year"].isin(later)] if later else None,
        seed=settings.seed,
        about={"trained_on": learn, "calibrated_on_years": later},
    )


def judge(risk: Risk, rows: pd.DataFrame, years: list[int], settings: Settings) -> dict[str, Any]:
    """Figures of the last year, which the model has not seen, for the model and each plain rule, on the same lists.

    Every learner counts once per as-of date. `at_capacity` is the list each school can see to. Intervals (95 %) draw
    whole schools.
    """
    year = years[-1]
    held = rows[(rows["academic_year"] == year) & rows["left"].notna()].reset_index(drop=True)
    past = rows[rows["academic_year"] < year]
    left = held["left"].to_numpy()
    by = {"model": risk.predict(held), **baselines(past, held)}
    schools = held["school_id"].astype(str).to_numpy()
    compared = {}
    for name, scores in by.items():
        compared[name] = {
            **figures(left, scores),
            "at_capacity": _at_capacity(held, scores, settings, across_schools=name == "school_only"),
        }
        if name != "model":  # a rule's score is no probability
            compared[name] = {k: v for k, v in compared[name].items() if k not in ("brier", "ece")}
    return {
        "year": year,
        "trained_on": years[:-2] or years[:-1],
        "as_of": sorted({str(d.date()) for d in held["as_of"]}),
        "foreseen": float(by["model"].sum()),
        "left": int(left.sum()),
        "kinds": {str(k): int(n) for k, n in held["kind"].value_counts().items()},
        "compared": compared,
        "intervals": intervals(left, by["model"], schools, seed=settings.seed),
        "calibration": _reliability(left, by["model"]),
        "by_as_of": {
            str(day.date()): figures(left[at], by["model"][at])
            for day in sorted(held["as_of"].unique())
            if (at := (held["as_of"] == day).to_numpy()).any()
        },
    }


def _at_capacity(
    held: pd.DataFrame, scores: np.ndarray, settings: Settings, *, across_schools: bool
) -> dict[str, float]:
    """Precision and recall of lists as long as the schools can see to, all as-of dates together.

    Each school lists its own highest scores; across schools, all those places go to the highest scores wherever they
    are. Ties at a line count with the share of them that fits.
    """
    places, caught, left = 0, 0.0, held["left"].to_numpy()
    for day in held["as_of"].unique():
        of_day = np.flatnonzero(held["as_of"] == day)
        by_school = [of_day[at] for _, at in sorted(held.iloc[of_day].groupby("school_id").indices.items())]
        lists = [(at, min(int(capacity(len(at), settings)), len(at))) for at in by_school]
        if across_schools:
            lists = [(of_day, sum(count for _, count in lists))]
        for at, count in lists:
            places += count
            caught += at_top(left[at], scores[at], count)[0] * count
    return {
        "listed": places,
        "precision": caught / places if places else np.nan,
        "recall": caught / float(left.sum()) if left.sum() else np.nan,
    }


def _reliability(left: np.ndarray, risk: np.ndarray) -> list[dict[str, float]]:
    """Foreseen and seen share in ten equal-sized groups of rising risk."""
    order = np.array_split(np.argsort(risk, kind="stable"), 10)
    return [{"n": len(g), "foreseen": float(risk[g].mean()), "seen": float(left[g].mean())} for g in order if len(g)]


def _counts(rows: pd.DataFrame) -> dict[str, Any]:
    by = rows.groupby("academic_year")
    return {
        str(year): {
            "rows": len(part),
            "learners": int(part["learner_id"].nunique()),
            "left": int((part["left"] == 1).sum()),
            "unknown": int(part["left"].isna().sum()),
            "not_scored": {str(k): int(n) for k, n in part["cannot_score"].value_counts().items()},
        }
        for year, part in by
    }
