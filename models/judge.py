"""How good the model is on a year it has not seen, beside what people would do without it, on the same lists.

Every figure of the card comes from here. A learner counts once for each as-of date; intervals (95 %) draw whole
schools, the same schools for every way of choosing, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.metrics import brier_score_loss

from features.registry import MODEL_FEATURES
from models.baselines import baselines, school_lists
from models.calibration import STAGES, stage_of
from models.evaluate import Places, Ranked, at_top, calibration_error, figures, intervals, places
from models.risk import Risk
from models.uncertainty import covered
from raksa.settings import Settings

_REPEATS = 200
_LEVEL = 0.95
LEAD_DAYS = 60


def judge(
    risk: Risk,
    past: pd.DataFrame,
    held: pd.DataFrame,
    settings: Settings,
    others: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Figures of one year's rows, `held`, which the model has not seen; `past` are the years before, for the rules.

    others: further ways of choosing, name → another Risk, a fitted classifier with predict_proba on the features, or
    scores (rows with an outcome,). JSON-able; what is undefined is NaN. Rows without an outcome are in no figure, and
    counted.
    """
    unknown = int(held["left"].isna().sum())
    held = held[held["left"].notna()].reset_index(drop=True)
    left = held["left"].to_numpy()
    rules, chosen_rule = baselines(past, held, settings)
    ways = {"model": risk.predict(held), **rules}
    for name, other in (others or {}).items():
        if isinstance(other, Risk):
            ways[name] = other.predict(held)
        elif hasattr(other, "predict_proba"):
            read = list(getattr(other, "feature_names_in_", MODEL_FEATURES))
            ways[name] = np.asarray(other.predict_proba(held[read])[:, 1], np.float64)
        else:
            ways[name] = np.asarray(other, np.float64)
    lists, sizes = school_lists(held, settings)
    dates, _ = pd.factorize(held["as_of"])
    by_date = np.bincount(dates[np.unique(lists, return_index=True)[1]], np.minimum(sizes, np.bincount(lists)))
    chosen = {
        # Choosing schools: the same number of places a date, for whoever is in the schools of the highest rates.
        name: places(scores, dates, by_date.astype(np.int64)) if name == "school_only" else places(scores, lists, sizes)
        for name, scores in ways.items()
    }
    chance = ways["model"]
    schools = held["school_id"].astype(str).to_numpy()
    return {
        "year": int(held["academic_year"].iloc[0]),
        "as_of": sorted({str(d.date()) for d in held["as_of"]}),
        "foreseen": float(chance.sum()),
        "left": int(left.sum()),
        "unknown": unknown,
        "kinds": {str(k): int(n) for k, n in held["kind"].value_counts().items()},
        "best_rule": chosen_rule,
        "compared": _compared(held, ways, chosen, settings.seed),
        "intervals": {
            **intervals(left, chance, schools, seed=settings.seed),
            **_of_the_lists(held, chosen["model"].share, settings.seed),
        },
        "calibration": reliability(left, chance),
        "by_stage": {
            stage: {**_foreseen(left[at], chance[at]), "calibration": reliability(left[at], chance[at])}
            for stage in STAGES
            if (at := stage_of(held["grade"]) == stage).any()
        },
        "by_kind": {
            str(kind): {
                "left": int((of_kind := (held["kind"] == kind).to_numpy()).sum()),
                # Against those who stayed: the other kind of leaver is no mistake.
                "auc": Ranked(left, chance)((of_kind | (left == 0)).astype(float))[0],
                "recall": float(chosen["model"].share[of_kind].mean()),
            }
            for kind in sorted(held["kind"].dropna().unique())
        },
        "by_as_of": {
            str(day.date()): figures(left[at], chance[at])
            for day in sorted(held["as_of"].unique())
            if (at := (held["as_of"] == day).to_numpy()).any()
        },
        "by_area": units(held, chance, "area_id") if "area_id" in held else [],
        "by_school": units(held, chance, "school_id"),
        "beside_best_rule": beside(held, chosen["model"], chosen["best_rule"], settings.seed),
        "coverage": coverage(risk, held, chance, chosen["model"]),
    }


# ------------------------------------------------------------------------------------------------ ways of choosing
def _compared(
    held: pd.DataFrame, ways: Mapping[str, np.ndarray], chosen: Mapping[str, Places], seed: int
) -> dict[str, dict[str, Any]]:
    left = held["left"].to_numpy()
    drawn = _Drawings(held["school_id"], seed)
    metrics = {name: drawn.metrics(left, scores, chosen[name].share) for name, scores in ways.items()}
    out = {}
    for name, scores in ways.items():
        auc, ap = Ranked(left, scores)(np.ones(len(left)))
        p10, r10 = at_top(left, scores, len(left) // 10)
        found: dict[str, Any] = {
            "n": len(left),
            "base": float(left.mean()),
            "auc": auc,
            "ap": ap,
            "p10": p10,
            "r10": r10,
        }
        if name == "model":  # a rule's score is no probability
            found |= {"brier": float(brier_score_loss(left, scores)), "ece": calibration_error(left, scores)}
        else:
            found["against_model"] = {
                metric: _interval(metrics["model"][metric] - metrics[name][metric]) for metric in metrics[name]
            }
        found["at_capacity"] = at_capacity(left, chosen[name])
        found["lead"] = lead(held, chosen[name].share)
        out[name] = found
    return out


def at_capacity(left: np.ndarray, chosen: Places) -> dict[str, float]:
    """Precision and recall of lists as long as the schools can see to, all as-of dates together; with ties at the line
    falling as they may, the worst way, and the best."""
    listed, leaving = float(chosen.share.sum()), float(left.sum())
    worst, best = chosen.luck(left)
    out: dict[str, float] = {"listed": round(listed)}
    for suffix, caught in (("", float((chosen.share * left).sum())), ("_worst", worst), ("_best", best)):
        out[f"precision{suffix}"] = caught / listed if listed else np.nan
        out[f"recall{suffix}"] = caught / leaving if leaving else np.nan
    return out


def lead(held: pd.DataFrame, share: np.ndarray) -> dict[str, float]:
    """Of the learners who left: on how many lists in time. Weeks from the first as-of date a learner was listed to the
    last day attended (`attended_on`, else the last day known on a list), the median; and the share of all who left that
    was listed at least 60 days before."""
    leavers = _leavers(held, share)
    days, everyone = leavers["days"].dropna(), len(leavers)
    return {
        "left": everyone,
        "listed": int(leavers["listed"].sum()),
        "weeks_median": float(days.median() / 7) if len(days) else np.nan,
        "share_60_days": float((days >= LEAD_DAYS).sum() / everyone) if everyone else np.nan,
        "share_60_days_of_listed": float((days >= LEAD_DAYS).mean()) if len(days) else np.nan,
    }


def _leavers(held: pd.DataFrame, share: np.ndarray) -> pd.DataFrame:
    """One row a learner who left, by learner_id: whether ever listed, and the days from the first listing to the last
    day attended; NaN where never listed, or where that day is not known."""
    last = held["attended_on"].fillna(held["left_on"]) if "attended_on" in held else held["left_on"]
    rows = held.assign(last=pd.to_datetime(last))[held["left"] == 1]
    until = rows.groupby("learner_id")["last"].max()
    first = rows[share[rows.index] > 0.5].groupby("learner_id")["as_of"].min()
    first = first.reindex(until.index)
    return pd.DataFrame({"listed": first.notna(), "days": (until - first).dt.days})


def _of_the_lists(held: pd.DataFrame, share: np.ndarray, seed: int) -> dict[str, tuple[float, float]]:
    """Intervals of what the lists find, named as the figures are in `compared`."""
    left, drawn, leavers = held["left"].to_numpy(), _Drawings(held["school_id"], seed), _leavers(held, share)
    schools = held.groupby("learner_id")["school_id"].first().reindex(leavers.index)
    in_time = (leavers["days"] >= LEAD_DAYS).to_numpy(float)
    return {
        "at_capacity / precision": _interval(drawn.ratio(share * left, share)),
        "at_capacity / recall": _interval(drawn.ratio(share * left, left)),
        "lead / share_60_days": _interval(_Drawings(schools, seed).ratio(in_time, np.ones(len(in_time)))),
    }


def beside(held: pd.DataFrame, model: Places, rule: Places, seed: int) -> list[dict[str, Any]]:
    """One entry an area: how many more of those who left the model's lists held than the best rule's, as a share of all
    who left there, with its interval. `worse` where the interval lies below zero, `better` where above."""
    left, out = held["left"].to_numpy(), []
    areas = held["area_id"] if "area_id" in held else pd.Series("", index=held.index)
    for area, at in sorted(areas.groupby(areas).indices.items()):
        gain = _Drawings(held["school_id"].iloc[at], seed).ratio(((model.share - rule.share) * left)[at], left[at])
        low, high = _interval(gain)
        out.append(
            {
                "id": str(area),
                "left": int(left[at].sum()),
                "recall": float((model.share * left)[at].sum() / max(left[at].sum(), 1)),
                "recall_rule": float((rule.share * left)[at].sum() / max(left[at].sum(), 1)),
                "low": low,
                "high": high,
                "better": bool(low > 0),
                "worse": bool(high < 0),
            }
        )
    return out


class _Drawings:
    """Drawings of whole schools with replacement: how often each school counts in each, (repeats, schools)."""

    def __init__(self, schools: pd.Series, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.of, names = pd.factorize(schools)
        drawn = [draw.integers(0, len(names), len(names)) for _ in range(_REPEATS)]
        self.counts = np.stack([np.bincount(each, minlength=len(names)) for each in drawn])

    def total(self, values: np.ndarray) -> np.ndarray:
        """The sum of (rows,) values in each drawing."""
        return np.asarray(self.counts @ np.bincount(self.of, values, self.counts.shape[1]))

    def ratio(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The sum of part over the sum of whole in each drawing; NaN where there is no whole."""
        of, sums = self.total(whole), self.total(part)
        return np.asarray(np.divide(sums, of, out=np.full(len(of), np.nan), where=of > 0))

    def metrics(self, left: np.ndarray, scores: np.ndarray, share: np.ndarray) -> dict[str, np.ndarray]:
        ranked = Ranked(left, scores)
        both = np.array([ranked(count[self.of]) for count in self.counts])
        return {
            "auc": both[:, 0],
            "ap": both[:, 1],
            "precision": self.ratio(share * left, share),
            "recall": self.ratio(share * left, left),
        }


def _interval(values: np.ndarray) -> tuple[float, float]:
    if np.isnan(values).all():
        return np.nan, np.nan
    low, high = np.nanquantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


# ------------------------------------------------------------------------------------------------ probabilities
def reliability(left: np.ndarray, chance: np.ndarray) -> list[dict[str, float]]:
    """Foreseen and seen share in ten equal-sized groups of rising risk."""
    order = np.array_split(np.argsort(chance, kind="stable"), 10)
    return [{"n": len(g), "foreseen": float(chance[g].mean()), "seen": float(left[g].mean())} for g in order if len(g)]


def _foreseen(left: np.ndarray, chance: np.ndarray) -> dict[str, float]:
    return {
        "n": len(left),
        "left": int(left.sum()),
        "foreseen": float(chance.sum()),
        "ece": calibration_error(left, chance),
    }


def units(held: pd.DataFrame, chance: np.ndarray, unit: str) -> list[dict[str, Any]]:
    """One entry a school or area: learners, leavers seen and foreseen (means over the as-of dates, so that a child is
    one), seen ÷ foreseen and its interval, exact for a Poisson count."""
    dates = held["as_of"].nunique()
    by = held.assign(chance=chance).groupby(unit)
    sums = by.agg(n=("learner_id", "nunique"), left=("left", "sum"), foreseen=("chance", "sum"))
    out = []
    for name, row in sums.iterrows():
        seen, foreseen = row["left"] / dates, row["foreseen"] / dates
        low = chi2.ppf((1 - _LEVEL) / 2, 2 * seen) / 2 if seen else 0.0
        high = chi2.ppf((1 + _LEVEL) / 2, 2 * seen + 2) / 2
        out.append(
            {
                "id": str(name),
                "n": int(row["n"]),
                "left": float(seen),
                "foreseen": float(foreseen),
                "ratio": float(seen / foreseen),
                "low": float(low / foreseen),
                "high": float(high / foreseen),
            }
        )
    return out


def coverage(risk: Risk, held: pd.DataFrame, chance: np.ndarray, chosen: Places) -> dict[str, Any]:
    """How often the 90 % interval of "about n of this list would leave" held what was seen: every school's list of
    every as-of date, and every school's children off the list. Small counts make such intervals wider than 90 %."""
    on = chosen.share > 0.5
    names = held["school_id"].astype(str) + " " + held["as_of"].astype(str)
    out = {}
    for name, at in (("on_list", on), ("off_list", ~on)):
        rows = held[at]
        found = risk.hits(rows, chance[at], names[at].to_numpy())
        out[name] = covered(found, rows.groupby(names[at])["left"].sum())
    return out
