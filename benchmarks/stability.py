"""How much of a list, and of its reasons, depends on which children taught: `python -m benchmarks.stability [--quick]`.

    another seed        the same rows, the bag drawn otherwise
    disjoint halves     two models, each taught and calibrated on one half of the children
    last year's model   taught and calibrated a year earlier, against this year's
    week to week        one model, two Mondays: every entry and every exit of a list with what explains it

Both models of a pair judge the same children on the same day of the last closed year. Compared are the highest 10 % and
the lists at the schools' capacity (Jaccard: shared of both), and the reasons of the children on both lists (shared of
the longer; families, and the very facts). Made-up children of `raksa demo`'s process (benchmarks.area_store), 30,000 by
default. `--settings '{"lambda_l2": 50}'`, `--rounds` and `--bag` try other trees.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from benchmarks.area_store import store_of
from features.build import build
from features.readiness import cannot_score
from features.registry import MODEL_FEATURES
from models.evaluate import capacity, listed
from models.panel import closed_years, panel, slices
from models.reasons import reasons
from models.risk import Risk, fit
from models.trees import BAG, ROUNDS
from raksa import calendar
from raksa.settings import Settings, load

LEARNERS = 30_000
# Goals: shared of the highest 10 % between disjoint halves, from so many learners on; and of the reasons.
GOALS = {200_000: 0.90, 30_000: 0.80}
REASONS_GOAL = 0.85
# Facts that change because a week passed, whatever a child does.
_CALENDAR = {"days_into_year", "survey_age", "days_since_result", "days_open", "school_season"}


# ------------------------------------------------------------------------------------------------- two models
def shared(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard of two lists, (rows,) bool; NaN if both are empty."""
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else np.nan


def highest(risk: np.ndarray, share: float = 0.10) -> np.ndarray:
    """The highest share of the risks, (rows,) bool."""
    out = np.zeros(len(risk), bool)
    out[np.argsort(-risk, kind="stable")[: int(len(risk) * share)]] = True
    return out


def reasons_shared(column: str, one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Mean over learners of how many of the reasons both say, of the longer list; `column` is family or feature.

    A learner of whom neither says a fact shares all, of whom only one does, none.
    """
    sets = [
        said.assign(said=said[column].fillna("none")).groupby("learner_id")["said"].agg(frozenset)
        for said in (one, other)
    ]
    both = pd.concat(sets, axis=1, join="inner", keys=["one", "other"])
    each = [len(a & b) / max(len(a), len(b)) for a, b in zip(both["one"], both["other"], strict=True)]
    return float(np.mean(each)) if each else np.nan


def compare(name: str, one: Risk, other: Risk, rows: pd.DataFrame, as_of: date, settings: Settings) -> dict[str, Any]:
    """One row: what two models share on the same rows of one day, and the AUC of each where outcomes are known."""
    risks = one.predict(rows), other.predict(rows)
    top = [highest(risk) for risk in risks]
    lists = [listed(rows["school_id"], risk, settings, rows["learner_id"]) for risk in risks]
    on_both = rows[top[0] & top[1]]
    why = [reasons(model, on_both, as_of, settings, among=rows) for model in (one, other)]
    known = rows["left"].notna().to_numpy()
    auc = [float(roc_auc_score(rows["left"][known], risk[known])) for risk in risks]
    return {
        "pair": name,
        "learners": len(rows),
        "top_10": shared(*top),
        "capacity": shared(*lists),
        "reason_families": reasons_shared("family", *why),
        "reason_facts": reasons_shared("feature", *why),
        "rank_correlation": float(pd.Series(risks[0]).corr(pd.Series(risks[1]), method="spearman")),
        "auc": auc,
    }


def pairs(rows: pd.DataFrame, years: list[int], settings: Settings, trees: dict[str, Any]) -> list[dict[str, Any]]:
    """Another seed, disjoint halves, last year's model: each against its other, on one day of the last year."""
    day = sorted(rows.loc[rows["academic_year"] == years[-1], "as_of"].unique())[-2]
    judged = rows[(rows["as_of"] == day) & rows["cannot_score"].isna()].reset_index(drop=True)
    past = rows[rows["cannot_score"].isna() & (rows["academic_year"] < years[-1])]
    first = (pd.util.hash_array(past["learner_id"].to_numpy()) % 2 == 0).astype(bool)

    def taught(of: pd.DataFrame, until: int = years[-2], seed: int = settings.seed) -> Risk:
        """Taught on the years before the last of them, which calibrates; as the published model is."""
        return fit(of[of["academic_year"] < until], MODEL_FEATURES, later=of[of["academic_year"] == until],
                   seed=seed, **trees)  # fmt: skip

    this_year = taught(past)
    made = [
        ("another seed", this_year, taught(past, seed=settings.seed + 1)),
        ("disjoint halves", taught(past[first]), taught(past[~first])),
        ("last year's model", this_year, taught(past, until=years[-3])),
    ]
    return [compare(name, one, other, judged, day.date(), settings) for name, one, other in made]


# ------------------------------------------------------------------------------------------------- two weeks
def weeks(risk: Risk, before: pd.DataFrame, after: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """Entries and exits of the schools' lists between two days' rows, each counted under what explains it.

    who        came, left, changed school, or can now, or can no longer, be scored
    facts      a fact of the child changed, besides the calendar
    calendar   only time passed: days since a result, a screening, the year's start
    places     the school can see to more, or to fewer
    others     nothing of the child changed: somebody else's risk moved past
    """
    held, names = [], [name for name in risk.features if name in before]
    for rows in (before, after):
        chance = np.where(cannot_score(rows, settings).isna(), risk.predict(rows), np.nan)
        on = listed(rows["school_id"], chance, settings, rows["learner_id"])
        frame = rows[[*names, "school_id"]].assign(on=on, chance=chance)
        frame["places"] = capacity(rows.groupby("school_id")["learner_id"].transform("size").to_numpy(), settings)
        held.append(frame.set_index(rows["learner_id"]))
    was, now = held
    everyone = was.index.union(now.index)
    was, now = was.reindex(everyone), now.reindex(everyone)
    on_was, on_now = was["on"].eq(True), now["on"].eq(True)
    moved = everyone[on_was != on_now]
    was, now = was.loc[moved], now.loc[moved]
    changed = ~((was[names] == now[names]) | (was[names].isna() & now[names].isna()))
    explained = {
        "who": (was["school_id"].ne(now["school_id"]) | was["chance"].isna() | now["chance"].isna()).to_numpy(),
        "facts": changed[[name for name in names if name not in _CALENDAR]].any(axis=1).to_numpy(),
        "calendar": (changed[[name for name in names if name in _CALENDAR]].any(axis=1)
                     & was["chance"].ne(now["chance"])).to_numpy(),
        "places": was["places"].ne(now["places"]).to_numpy(),
        "others": was["chance"].eq(now["chance"]).to_numpy(),
    }  # fmt: skip
    why = np.select(list(explained.values()), list(explained), "unexplained")
    return {
        "entered": int((on_now & ~on_was).sum()),
        "left": int((on_was & ~on_now).sum()),
        "shared": shared(on_was.to_numpy(), on_now.to_numpy()),
        **{name: int((why == name).sum()) for name in (*explained, "unexplained")},
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="3,000 learners and small trees: shows that it runs")
    asked.add_argument("--learners", type=int, default=LEARNERS)
    asked.add_argument("--home", type=Path, help="keep the made-up register here, or use the one that is there")
    asked.add_argument("--settings", type=json.loads, default={}, help="LightGBM's, over the product's own, as JSON")
    asked.add_argument("--rounds", type=int)
    asked.add_argument("--bag", type=int, default=BAG)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", type=Path)
    how = asked.parse_args()
    learners = 3000 if how.quick else how.learners
    rounds = how.rounds or (60 if how.quick else ROUNDS)
    trees = {"params": how.settings, "rounds": rounds, "bag": how.bag}
    started, console = time.perf_counter(), Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        home = how.home or Path(folder) / "home"
        settings = load(home).model_copy(update={"seed": how.seed, "jobs": 1})
        store = store_of(home, learners, settings, years=4)
        years = closed_years(store, settings)
        rows = panel(store, settings, slices(years, settings), console.print)
        rows["cannot_score"] = cannot_score(rows, settings)
        found = pairs(rows, years, settings, trees)
        past = rows[rows["cannot_score"].isna()]
        last = past["academic_year"] == years[-1]
        model = fit(past[~last], MODEL_FEATURES, later=past[last], seed=how.seed, **trees)
        del rows, past
        mondays = [calendar.monday_before(date(2026, 11, 16)) - timedelta(days=7 * back) for back in (12, 11, 1, 0)]
        built = [build(store, settings, day) for day in mondays]
        by_week = [
            {"from": str(mondays[k]), "to": str(mondays[k + 1]), **weeks(model, built[k], built[k + 1], settings)}
            for k in (0, 2)
        ]
    goal = next((value for size, value in GOALS.items() if learners >= size), np.nan)
    table = Table(*(name for name in found[0] if name != "auc"), "AUC", title=f"{learners:,} learners, {trees}")
    for row in found:
        shown = [f"{v:.3f}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else v
                 for k, v in row.items() if k != "auc"]  # fmt: skip
        table.add_row(*shown, " / ".join(f"{a:.4f}" for a in row["auc"]))
    console.print(table)
    halves = next(row for row in found if row["pair"] == "disjoint halves")
    console.print(f"goals on disjoint halves: top 10 % {halves['top_10']:.3f} against {goal}; "
                  f"reasons {halves['reason_families']:.3f} against {REASONS_GOAL}")  # fmt: skip
    by = Table(*by_week[0], title="week to week, lists at capacity")
    for row in by_week:
        by.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(by)
    console.print(f"{time.perf_counter() - started:.0f} s")
    if how.json:
        said = {"learners": learners, "trees": trees, "pairs": found, "weeks": by_week, "goal": goal}
        how.json.write_text(json.dumps(said, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
