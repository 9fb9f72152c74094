"""The demo's process at the size of a province: how the model does area by area, where the truth is known.

    python -m benchmarks.areas [--quick] [--learners 60000] [--home FOLDER] [--json FILE]

Made-up children of `raksa demo`'s process (benchmarks.area_store), learned from and judged forward in time as
`raksa train` does (P5). Schools are then dealt into areas of ten at random, again and again: of each such area's lists,
how often does the 90 % interval hold the number that left; is the model better than the best single rule there, or
worse; how far is what was seen from what was foreseen. Printed beside it: precision and recall at lists of several
lengths, lead time, what a random split would have claimed, and the audit by group.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.area_store import store_of
from features.registry import MODEL_FEATURES
from models.baselines import baselines, school_lists
from models.evaluate import at_top, places
from models.judge import beside, judge, units
from models.risk import Risk, fit
from models.train import random_split, usable_rows
from models.uncertainty import covered
from raksa.settings import Settings, load

LEARNERS = 60_000
_SCHOOLS_OF_AN_AREA = 10
_SHARES = (0.01, 0.02, 0.05, 0.10, 0.15, 0.20)


def areas(risk: Risk, past: pd.DataFrame, held: pd.DataFrame, settings: Settings, deals: int) -> dict[str, Any]:
    """Coverage of the interval, gain over the best rule, and seen over foreseen, in areas dealt at random."""
    held = held[held["left"].notna()].reset_index(drop=True)
    left, chance = held["left"].to_numpy(), risk.predict(held)
    rules, rule = baselines(past, held, settings)
    lists, sizes = school_lists(held, settings)
    own, other = places(chance, lists, sizes), places(rules["best_rule"], lists, sizes)
    on = own.share > 0.5
    draw = np.random.default_rng(settings.seed)
    schools = np.sort(held["school_id"].unique())
    found: dict[str, list[Any]] = {"on_list": [], "off_list": [], "better": [], "worse": [], "ratio": []}
    for deal in range(deals):
        dealt = draw.permutation(len(schools)) // _SCHOOLS_OF_AN_AREA
        area = held["school_id"].map(dict(zip(schools, dealt.astype(str), strict=True)))
        for date, day in held.groupby("as_of"):
            for name, of in (("on_list", on), ("off_list", ~on)):
                at = day.index[of[day.index]]
                intervals = risk.hits(held.loc[at], chance[at], area[at].to_numpy())
                seen = held.loc[at, "left"].groupby(area[at]).sum()
                found[name].append({"deal": deal, "date": str(date), **covered(intervals, seen)})
        by_area = held.assign(area_id=area)
        gains = beside(by_area, own, other, settings.seed)
        found["better"].append(np.mean([each["better"] for each in gains]))
        found["worse"].append(np.mean([each["worse"] for each in gains]))
        found["ratio"] += [each["ratio"] for each in units(by_area, chance, "area_id")]
    return {
        "areas_a_deal": int(-(-len(schools) // _SCHOOLS_OF_AN_AREA)),
        "coverage": {
            name: sum(each["covered"] for each in found[name]) / sum(each["lists"] for each in found[name])
            for name in ("on_list", "off_list")
        },
        "intervals": {name: sum(each["lists"] for each in found[name]) for name in ("on_list", "off_list")},
        "best_rule": rule,
        "better_than_best_rule": float(np.mean(found["better"])),
        "worse_than_best_rule": float(np.mean(found["worse"])),
        "observed_expected_of_areas": [float(q) for q in np.quantile(found["ratio"], [0.025, 0.25, 0.5, 0.75, 0.975])],
        "at_share": {
            str(share): dict(zip(("precision", "recall"), at_top(left, chance, int(len(left) * share)), strict=True))
            for share in _SHARES
        },
    }


def schools(judged: dict[str, Any], held: pd.DataFrame, risk: Risk, settings: Settings) -> dict[str, Any]:
    """Schools with 30 foreseen leavers or more: seen over foreseen; and with 5 or more: whether their list is empty."""
    large = [each["ratio"] for each in judged["by_school"] if each["foreseen"] >= 30]
    expecting = {each["id"] for each in judged["by_school"] if each["foreseen"] >= 5}
    lists, sizes = school_lists(held, settings)
    listing = set(held["school_id"][places(risk.predict(held), lists, sizes).share > 0.5])
    return {
        "with_30_foreseen": len(large),
        "of_them_0.8_to_1.25": float(np.mean([0.8 <= ratio <= 1.25 for ratio in large])) if large else None,
        "with_5_foreseen": len(expecting),
        "of_them_without_a_list": len(expecting - listing),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="6,000 learners, few deals")
    asked.add_argument("--learners", type=int, default=LEARNERS)
    asked.add_argument("--home", type=Path, help="folder that keeps the register (default: a temporary one)")
    asked.add_argument("--json", type=Path, help="write the figures to this file")
    said = asked.parse_args()
    learners, deals = (6_000, 3) if said.quick else (said.learners, 20)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = load().model_copy(update={"home": said.home or Path(folder) / "home", "buckets": 8})
        settings.home.mkdir(parents=True, exist_ok=True)
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
        judged = judge(risk, past, held, settings)
        found: dict[str, Any] = {
            "learners": learners,
            "judged": judged,
            "areas": areas(risk, past, held, settings, deals),
            "schools": schools(judged, held, risk, settings),
            "random_split": random_split(usable, judged["compared"]["model"]["auc"], settings, risk),
        }
    _print(found)
    print(f"whole run: {time.perf_counter() - started:.0f} s")
    if said.json:
        said.json.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")


def _print(found: dict[str, Any]) -> None:
    judged, dealt = found["judged"], found["areas"]
    table = Table(title=f"{found['learners']:,} learners, judged on {judged['year']}", title_justify="left", box=None)
    for heading in ("by", "AUC", "average precision", "precision", "recall", "ties", "weeks ahead", "60 days ahead",
                    "model minus it: recall"):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "by" else "right")
    for name, each in judged["compared"].items():
        at, ends = each["at_capacity"], each.get("against_model", {}).get("recall")
        table.add_row(
            name, f"{each['auc']:.3f}", f"{each['ap']:.3f}", f"{at['precision']:.3f}", f"{at['recall']:.3f}",
            f"{at['recall_worst']:.3f}–{at['recall_best']:.3f}", f"{each['lead']['weeks_median']:.0f}",
            f"{each['lead']['share_60_days']:.3f}", f"{ends[0]:+.3f} to {ends[1]:+.3f}" if ends else "",
        )  # fmt: skip
    Console(width=150).print(table)
    print(f"intervals (95 %, schools drawn): {judged['intervals']}")
    print(f"foreseen {judged['foreseen']:.0f}, left {judged['left']}; ECE {judged['compared']['model']['ece']:.4f}; "
          f"random split {found['random_split']}")  # fmt: skip
    print(f"lists of schools: coverage {judged['coverage']}")
    print(f"areas of {_SCHOOLS_OF_AN_AREA} schools: {dealt}")
    print(f"schools: {found['schools']}")


if __name__ == "__main__":
    main()
