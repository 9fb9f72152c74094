"""Train, judge forward in time, audit, save, and publish what is no worse: `raksa train`.

With closed years … Y−2, Y−1, Y (their outcome known):

    judged      learn ≤ Y−2, calibrate on Y−1, judge on Y     these figures go on the card
    published   learn ≤ Y−1, calibrate on Y                   this model scores the children of today

`raksa train --judge-only` stops after the first and changes nothing.

With two closed years the first is learned from, calibrated on out-of-fold rows, and the second judges.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.readiness import cannot_score
from features.registry import BY_NAME, FAMILIES, MODEL_FEATURES
from models import catalogue
from models.audit import audit, groups
from models.baselines import RULES
from models.evaluate import Ranked, listed
from models.judge import judge
from models.panel import closed_years, panel, slices
from models.risk import Risk, fit, load, save
from models.search import search
from models.watch import reference
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store

_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Beside:
    """What people know of the judged rows, and no model does. `ways`: further ways of choosing, name → scores (rows,),
    as `models.judge.judge` takes them; `figures`: what is said beside the judged figures, key → JSON-able."""

    ways: Mapping[str, np.ndarray] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A saved model and what its card says."""

    model: str
    card: Mapping[str, Any]


def train(
    store: Store,
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    *,
    budget: float | None = None,
    trials: int | None = None,
    by: str = "raksa train",
    promote: bool = False,
    beside: Callable[[pd.DataFrame, np.ndarray], Beside] | None = None,
) -> Trained:
    """Build the panel, judge and audit, fit the model of today, save it, and publish it unless it is worse than the one
    published (`models.catalogue.decide`) or `promote` says to in any case.

    budget, trials: seconds, and at most how many trials, to look for better settings of the trees in the past
    (`models.search`). beside: from the judged rows whose outcome is known, and the chance of each, to what people said
    and did about them (`care.loop`); it changes what the card says, never a model. Raises RaksaError with fewer than
    two closed years. Same register, same settings, nothing beside: same bytes.
    """
    say = progress or (lambda _: None)
    rows, years = usable_rows(store, settings, say)
    usable = rows[rows["cannot_score"].isna()]
    judged, found, chosen = _judged(store, settings, rows, years, say, budget=budget, trials=trials, beside=beside)
    say(f"fitting on {years[0]} to {years[-1]}")
    published = _fit(usable, years, settings, chosen)
    card = {
        "years": years,
        "outcome": settings.outcome,
        "horizon": settings.horizon,
        "panel_days": list(settings.panel_days),
        "snapshots": list(store.current().snapshots),
        "counts": _counts(rows),
        "missing": _missing(rows),
        "judged": judged,
        "rules": RULES,
        "search": found,
    }
    watched = reference(rows.assign(risk=_chances(published, rows)), published.features, by_area=True)
    model = f"{years[-1]}-{_digest(published, card)}"
    with store.writing():
        with store.publishing("models", model) as folder:
            save(published, folder, {"id": model, **card}, watched)
        catalogue.record(store, "trained", model, by)
    _promote(store, model, by, always=promote, say=say)
    return Trained(model, {"id": model, **card})


def judge_year(
    store: Store,
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    *,
    budget: float | None = None,
    trials: int | None = None,
    beside: Callable[[pd.DataFrame, np.ndarray], Beside] | None = None,
) -> dict[str, Any]:
    """What the card of a model trained now would say under `judged` and `search`: the last closed year foreseen by a
    model of the years before it, without that model of today and without a trace in the store. As `train`."""
    say = progress or (lambda _: None)
    rows, years = usable_rows(store, settings, say)
    judged, found, _ = _judged(store, settings, rows, years, say, budget=budget, trials=trials, beside=beside)
    return {"judged": judged, "search": found}


def _judged(
    store: Store,
    settings: Settings,
    rows: pd.DataFrame,
    years: list[int],
    say: Callable[[str], None],
    *,
    budget: float | None,
    trials: int | None,
    beside: Callable[[pd.DataFrame, np.ndarray], Beside] | None,
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]:
    """The judged year as a card has it, what the search found if one was asked for, and the settings of the trees."""
    usable = rows[rows["cannot_score"].isna()]
    chosen: dict[str, Any] = {"params": None, "rounds": None}
    found: dict[str, Any] | None = None
    if budget or trials:
        say("looking for settings in the past")
        past = usable[usable["academic_year"].isin(years[:-2] or years[:-1])]
        found = search(
            past, MODEL_FEATURES, budget=budget or np.inf, most=trials, seed=settings.seed, progress=say
        )  # fmt: skip
        chosen = {"params": found["params"], "rounds": found["rounds"]}
    say(f"judging on {years[-1]}")
    judged_by = _fit(usable, years[:-1], settings, chosen)
    before, held = _past_and_last(usable, years)
    said = _beside(beside, judged_by, held)
    others = {**_champion(store, years[-1]), **said.ways}
    judged = {
        "trained_on": years[:-2] or years[:-1],
        "calibrated_on": years[-2:-1] if len(years) > 2 else "out-of-fold rows",
        **judge(judged_by, before, held, settings, others),
        **said.figures,
        "audit": _audit(store, settings, judged_by, rows[rows["academic_year"] == years[-1]]),
    }
    judged["random_split"] = random_split(usable, judged["compared"]["model"]["auc"], settings, judged_by)
    return judged, found, chosen


def _beside(of: Callable[[pd.DataFrame, np.ndarray], Beside] | None, risk: Risk, held: pd.DataFrame) -> Beside:
    if of is None:
        return Beside()
    known = held[held["left"].notna()].reset_index(drop=True)
    return of(known, risk.predict(known))


def _champion(store: Store, year: int) -> dict[str, Risk]:
    """The published model, to stand beside the new one on the judged year; none if it has seen that year."""
    name = store.current().model
    if not name:
        return {}
    seen = catalogue.learned_from(catalogue.card_of(store, name))
    return {} if not seen or year in seen else {"champion": load(store.model_folder(name))}


def _audit(store: Store, settings: Settings, risk: Risk, held: pd.DataFrame) -> list[dict[str, Any]]:
    """By group, of everyone of the judged year: who cannot be scored stands on no list and may leave all the same."""
    held = held.reset_index(drop=True)
    chance = _chances(risk, held)
    on = np.zeros(len(held), bool)
    for at in held.groupby("as_of").indices.values():
        on[at] = listed(held["school_id"].iloc[at], chance[at], settings, held["learner_id"].iloc[at])
    return audit(held, on, chance, groups(store, held), seed=settings.seed)


def _chances(risk: Risk, rows: pd.DataFrame) -> np.ndarray:
    """Calibrated probabilities, NaN for who cannot be scored."""
    scored = rows["cannot_score"].isna().to_numpy()
    chance = np.full(len(rows), np.nan)
    chance[scored] = risk.predict(rows[scored])
    return chance


def _digest(risk: Risk, card: Mapping[str, Any]) -> str:
    """What the model is, in eight letters: its trees and its card, but for the model that happened to stand beside."""
    compared = {name: found for name, found in card["judged"]["compared"].items() if name != "champion"}
    own = {**card, "judged": {**card["judged"], "compared": compared}}
    held = [b.model_to_string() for b in risk.boosters] + [json.dumps(own, default=str)]
    return hashlib.sha256("".join(held).encode()).hexdigest()[:8]


def _promote(store: Store, model: str, by: str, *, always: bool, say: Callable[[str], None]) -> None:
    before = store.current().model
    if before == model:
        say(f"{model} is the published model already")
        return
    champion = catalogue.card_of(store, before) if before else None
    may, why = catalogue.decide(champion, catalogue.card_of(store, model))
    if may or always:
        catalogue.promote(store, model, by, why if may else f"asked for, although: {why}")
        say(f"published: {why}")
    else:
        say(f"{model} is saved and not published: {why} `raksa models promote {model}` publishes it.")


def usable_rows(
    store: Store, settings: Settings, progress: Callable[[str], None] | None = None
) -> tuple[pd.DataFrame, list[int]]:
    """The panel of all closed years, with `cannot_score`, and the years. Raises RaksaError with fewer than two."""
    years = closed_years(store, settings)
    if len(years) < 2:
        raise RaksaError(
            "Training needs at least two academic years whose following 10 June list is in the register; "
            f"found {years}. Import the lists of earlier years."
        )
    rows = panel(store, settings, slices(years, settings), progress)
    return rows.assign(cannot_score=cannot_score(rows, settings)), years


def judge_saved(
    store: Store, settings: Settings, model: str, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """A saved model, from here or from another district, judged on this register's last closed year as a card has it.

    A model that was calibrated on that same year here has seen it: its figures are then better than they would be.
    """
    risk = load(store.home / "models" / model)
    rows, years = usable_rows(store, settings, progress)
    return judge(risk, *_past_and_last(rows[rows["cannot_score"].isna()], years), settings)


def _past_and_last(rows: pd.DataFrame, years: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return rows[rows["academic_year"] < years[-1]], rows[rows["academic_year"] == years[-1]]


def _fit(rows: pd.DataFrame, years: list[int], settings: Settings, chosen: Mapping[str, Any]) -> Risk:
    """Learn from all but the last of the years and calibrate on the last; with one year, out of fold."""
    learn, later = (years[:-1], years[-1:]) if len(years) > 1 else (years, [])
    return fit(
        rows[rows["academic_year"].isin(learn)],
        MODEL_FEATURES,
        later=rows[rows["academic_year"].isin(later)] if later else None,
        seed=settings.seed,
        about={"trained_on": learn, "calibrated_on_years": later},
        **chosen,
    )


def random_split(rows: pd.DataFrame, next_year: float, settings: Settings, like: Risk) -> dict[str, float]:
    """What a random split of all years would have claimed: its AUC beside the next year's, and the difference. The
    claim is easier: the same children, schools and year stand on both sides."""
    known = rows[rows["left"].notna()].reset_index(drop=True)
    held = np.random.default_rng(settings.seed).random(len(known)) < _TEST_SHARE
    if not 0 < known.loc[held, "left"].sum() < held.sum():
        return {"auc": np.nan, "next_year": next_year, "difference": np.nan}
    about = {key: like.about[key] for key in ("rounds", "bag", "params")}
    fitted = fit(known[~held], MODEL_FEATURES, later=known[~held], seed=settings.seed, **about)
    auc, _ = Ranked(known.loc[held, "left"].to_numpy(), fitted.raw(known[held]))(np.ones(int(held.sum())))
    return {"auc": auc, "next_year": next_year, "difference": auc - next_year}


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


def _missing(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Share of values not known, by family of features and year."""
    of = {family: [f for f in MODEL_FEATURES if BY_NAME[f].family == family and f in rows] for family in FAMILIES}
    return {
        family: {str(year): float(part[names].isna().to_numpy().mean()) for year, part in rows.groupby("academic_year")}
        for family, names in of.items()
        if names
    }
