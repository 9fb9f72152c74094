"""Small models, really learned from the made panel, really judged on a year they have not seen, saved into a store."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_panel import panel
from small_register import SETTINGS, register

from features.registry import MODEL_FEATURES
from models.audit import audit
from models.baselines import RULES
from models.judge import judge
from models.risk import Risk, fit, save
from raksa.store import Store

OLD, NEW, OTHER = "2567-0000aaaa", "2567-0000bbbb", "2568-0000cccc"


def year(of: int, rows: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Judged rows of an academic year: two dates, two areas, twelve schools."""
    found = panel(rows, seed)
    as_of = pd.to_datetime([f"{of - 543}-09-14", f"{of - 543}-11-16"])
    left = found["left"] == 1
    return found.assign(
        academic_year=of,
        as_of=np.where(np.arange(rows) % 2, as_of[0], as_of[1]),
        school_id="1000" + found["main_school_id"].str.zfill(4),
        area_id=np.where(found["main_school_id"].astype(int) < 6, "2401", "2402"),
        kind=pd.Series(np.where(np.arange(rows) % 3, "in_year", "not_arrived")).where(left),
        left_on=pd.Series(as_of[1] + pd.Timedelta(days=30), index=found.index).where(left),
    )


@lru_cache
def learned(seed: int = 0) -> Risk:
    return fit(panel(1000, seed), MODEL_FEATURES, later=panel(600, 20 + seed), rounds=20, bag=2, seed=seed)


def judged(seed: int = 0, of: int = 2567) -> dict[str, Any]:
    """What `models.judge` and `models.audit` say of a model; of every year the same, but for its number."""
    return {**_judged(seed), "year": of, "trained_on": [of - 2], "calibrated_on": [of - 1]}


@lru_cache
def _judged(seed: int) -> dict[str, Any]:
    risk, held = learned(seed), year(2567, seed=2)
    found = judge(risk, year(2566, seed=1), held, SETTINGS)
    chance = risk.predict(held)
    listed = chance >= np.quantile(chance, 0.9)
    sex = pd.DataFrame({"sex": np.where(held["learner_id"] % 2, "female", "male"), "agency": None})
    said = audit(held, listed, chance, sex, seed=0, repeats=50)
    return {**found, "audit": said}


def card(name: str = OLD, *, seed: int = 0, of: int = 2567) -> dict[str, Any]:
    """A card as training writes it, but for what only a register has."""
    return {
        "id": name,
        "years": [of - 2, of - 1, of],
        "outcome": "left",
        "horizon": "06-10",
        "panel_days": ["09-14", "11-16"],
        "snapshots": ["000001-abc"],
        "counts": {
            str(of): {"rows": 1000, "learners": 1000, "left": 160, "unknown": 7, "not_scored": {"no_attendance": 40}}
        },
        "missing": {"attendance": {str(of): 0.1}, "grades": {str(of): 0.25}},
        "judged": judged(seed, of),
        "rules": RULES,
    }


def keep(store: Store, name: str, *, seed: int = 0, of: int = 2567) -> None:
    """Save a model under this name, as training does, without pointing at it."""
    with store.writing(), store.publishing("models", name) as folder:
        save(learned(seed), folder, card(name, seed=seed, of=of))


def district(home: Path) -> Store:
    """A store with two models judged on the same lists and one judged on the year after; OLD is published."""
    store = register(home)
    keep(store, OLD)
    keep(store, NEW, seed=1)
    keep(store, OTHER, of=2568)
    with store.writing():
        store.point(model=OLD)
    return store
