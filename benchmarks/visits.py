"""Visits on the demo's process, where the truth is known: do the intervals hold, and what does sharing by need reach?

    python -m benchmarks.visits [--quick] [--learners 20000] [--home FOLDER] [--json FILE]

Made-up children of `raksa demo`'s process (benchmarks.area_store), learned from and judged forward in time as
`raksa train` does. Schools of the judged year are dealt into areas of ten at random, again and again. In each area, on
each date, some children have been contacted lately, and a drawn number of visits is shared among its schools by need
(`care.capacity.share_out`). Of each such list of visits: does the 90 % interval hold how many of the visited left, and
how many of the others; does it reach no less need than equal shares; how many who left does each reach.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.area_store import store_of
from care.capacity import need, promised, share_out
from features.registry import MODEL_FEATURES
from models.evaluate import listed
from models.reasons import reasons
from models.risk import Risk, fit
from models.train import usable_rows
from raksa.settings import Settings, load

LEARNERS = 20_000
_SCHOOLS_OF_AN_AREA = 10
_CONTACTED = 0.3  # of the listed, some time in the last 60 days


def judged_year(settings: Settings, learners: int) -> tuple[Risk, pd.DataFrame]:
    """The model of the years before, and the last closed year's rows with risk, spread and need; contacts are drawn."""
    store = store_of(settings.home, learners, settings)
    rows, years = usable_rows(store, settings)
    usable = rows[rows["cannot_score"].isna()]
    past, held = (usable[usable["academic_year"] < years[-1]], usable[usable["academic_year"] == years[-1]])
    risk = fit(
        past[past["academic_year"] < years[-2]],
        MODEL_FEATURES,
        later=past[past["academic_year"] == years[-2]],
        seed=settings.seed,
        rounds=None,
    )
    draw = np.random.default_rng(settings.seed)
    held = held[held["left"].notna()].reset_index(drop=True)
    held["risk"], held["spread"] = risk.predict(held), risk.levels.spread(held["main_school_id"])
    return risk, pd.concat([_needed(risk, day, settings, draw) for _, day in held.groupby("as_of")])


def _needed(risk: Risk, day: pd.DataFrame, settings: Settings, draw: np.random.Generator) -> pd.DataFrame:
    """One date's rows with their need, as `dashboard.budget.needs` works it out."""
    day = day.reset_index(drop=True)
    as_of = day["as_of"].iloc[0].date()
    on = listed(day["school_id"], day["risk"].to_numpy(), settings, day["learner_id"])
    said = reasons(risk, day[on], as_of, settings, among=day).groupby("learner_id")["lowered"].max()
    lowered = day["learner_id"].map(said).fillna(0).where(on)
    lowered = lowered.fillna(lowered.mean())
    ago = pd.Series([as_of - timedelta(days=int(n)) for n in draw.integers(0, 60, len(day))])
    met = ago.where(on & (draw.random(len(day)) < _CONTACTED))
    kept = day[["learner_id", "school_id", "as_of", "left", "risk", "spread"]]
    return kept.assign(need=need(day["risk"], lowered, met, as_of))


def shared(risk: Risk, held: pd.DataFrame, deals: int, seed: int) -> pd.DataFrame:
    """One row an area and date: whether each interval held; need reached and who left, by need and in equal shares."""
    draw, found = np.random.default_rng(seed), []
    schools = np.sort(held["school_id"].unique())
    for _ in range(deals):
        dealt = draw.permutation(len(schools)) // _SCHOOLS_OF_AN_AREA
        area = held["school_id"].map(dict(zip(schools, dealt, strict=True)))
        for _, rows in held.groupby([area, "as_of"]):
            rows = rows.reset_index(drop=True)
            count = rows["school_id"].nunique()
            floor = int(draw.integers(0, 4))
            visits = count * floor + int(draw.integers(1, 20 * count))
            found.append(_one(risk, rows, visits, floor))
    return pd.DataFrame(found)


def _one(risk: Risk, rows: pd.DataFrame, visits: int, floor: int) -> dict[str, Any]:
    made = share_out(rows, visits, floor=floor)
    order = rows.sort_values(["need", "learner_id"], ascending=[False, True])
    place = order.groupby("school_id").cumcount().reindex(rows.index)
    on, equal = (place < rows["school_id"].map(made[each]) for each in ("visits", "equal"))
    said = promised(rows, on, risk.curves)
    gone = {True: rows["left"][on].sum(), False: rows["left"][~on].sum()}
    return {
        "visits": visits,
        "floor": floor,
        "on_list": said.on_list_between[0] <= gone[True] <= said.on_list_between[1],
        "off_list": said.off_list_between[0] <= gone[False] <= said.off_list_between[1],
        "expected": said.on_list,
        "left": gone[True],
        "left_equal": rows["left"][equal].sum(),
        "reach": made["reach"].sum(),
        "equal_reach": made["equal_reach"].sum(),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="6,000 learners, few deals")
    asked.add_argument("--learners", type=int, default=LEARNERS)
    asked.add_argument("--home", type=Path, help="folder that keeps the register (default: a temporary one)")
    asked.add_argument("--json", type=Path, help="write the figures to this file")
    said = asked.parse_args()
    learners, deals = (6_000, 5) if said.quick else (said.learners, 40)
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        settings = load().model_copy(update={"home": said.home or Path(folder) / "home", "buckets": 4})
        settings.home.mkdir(parents=True, exist_ok=True)
        risk, held = judged_year(settings, learners)
        areas = shared(risk, held, deals, settings.seed)
    less = areas["reach"] < areas["equal_reach"] - 1e-9
    found = {
        "learners": learners,
        "lists": len(areas),
        "coverage": {name: float(areas[name].mean()) for name in ("on_list", "off_list")},
        "expected": float(areas["expected"].sum()),
        "left": int(areas["left"].sum()),
        "less_than_equal_shares": int(less.sum()),
        "need_reached_over_equal": float(areas["reach"].sum() / areas["equal_reach"].sum()),
        "leavers_reached_over_equal": float(areas["left"].sum() / areas["left_equal"].sum()),
        "lists_with_fewer_leavers_than_equal": float((areas["left"] < areas["left_equal"]).mean()),
    }
    print(f"{learners:,} learners, {len(areas):,} lists of visits in areas of {_SCHOOLS_OF_AN_AREA} schools")
    for name, value in found.items():
        print(f"  {name}: {value}")
    print(f"whole run: {time.perf_counter() - started:.0f} s, {time.process_time() - cpu:.0f} CPU s")
    if said.json:
        said.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
