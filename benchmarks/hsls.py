"""Who ever drops out of high school, from what was known in grade 9: HSLS:09, beside what was published on it.

    python -m benchmarks.hsls [--quick] [--json FILE] [--chart FILE]

The High School Longitudinal Study of 2009 as published with Pan & Zhang (EDM 2024): 13,865 students to learn from and
3,467 to judge, gaps filled by the authors, 20 facts known in grade 9, the same for everyone here. Sex and race are in
the file and never an input; the audit reads them. The public file hides which school a student is in, and so do we: no
school is pieced together from what its administrators answered.

raksa                   models.estimator.RiskClassifier, monotone by the signs in DIRECTIONS
logistic                scikit-learn's, on standardised inputs
hist_gradient_boosting  scikit-learn's, as it comes
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.estimator import RiskClassifier
from models.evaluate import METRICS, at_top, figures, intervals
from raksa.errors import RaksaError

OUTCOME = "X4EVERDROP"
# What more of each may do to the risk, by sense: −1 only lower it, +1 only raise it. Liking one subject, feeling able
# in it or finding it useful has no such sense once the marks in it are known: a child may well find mathematics useful
# for the work she leaves for. Those eight are free (0), as is the region.
DIRECTIONS = {
    "X1STAGE": 1,  # age
    "X1SES_U": -1,  # means and schooling of the family
    "X1SCHOOLENG": -1,  # engagement: homework done, on time, nothing forgotten
    "X1SCHOOLBEL": -1,  # belonging
    "X1TXMTSCOR": -1,  # mathematics test
    "S1MSCORE": -1,  # marks in mathematics
    "X1PAREDEXPCT": -1,  # how far the parents, and the student, expect her to get
    "X1STUEDEXPCT": -1,
    "X1SCHOOLCLI": -1,  # the school's climate, as its administrator sees it
    "X1PROBLEM": 1,  # the school's problems, likewise
    "public": 1,
    **{f"X1{subject}{what}": 0 for subject in ("MTH", "SCI") for what in ("ID", "UTI", "EFF", "INT")},
    **{f"region_{name}": 0 for name in ("Midwest", "Northeast", "South", "West")},
}
# Chosen by cross-validation of the file to learn from alone (docs/accuracy.md).
SETTINGS: Mapping[str, Any] = {"params": {"extra_trees": True, "feature_fraction": 0.3}, "rounds": 400, "bag": 8}
PUBLISHED = {"logistic": 0.778, "random forest": 0.777, "XGBoost": 0.777, "neural net": 0.788, "SVM": 0.789}
SHARES = (0.05, 0.10, 0.20)
Chances = Callable[[pd.DataFrame, np.ndarray, pd.DataFrame], np.ndarray]


def data_folder() -> Path:
    """Where the tables are. Raises RaksaError saying how to name another place."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RAKSA_REAL_DATA", beside))
    if not (folder / "hsls09" / "edm2024_test.parquet").is_file():
        raise RaksaError(f"No HSLS tables in {folder}/hsls09. Set RAKSA_REAL_DATA to the folder that holds hsls09/.")
    return folder


def inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """The 20 facts as numbers, a column for each key of DIRECTIONS."""
    named = {f"region_{name}": rows["X1REGION"] == name for name in ("Midwest", "Northeast", "South", "West")}
    return rows.assign(public=rows["X1CONTROL"] == "Public", **named)[list(DIRECTIONS)].astype(np.float64)


# ----------------------------------------------------------------------------------------------------- who foresees
def raksa(learn: pd.DataFrame, left: np.ndarray, judge: pd.DataFrame) -> np.ndarray:
    """Chances of `judge` by Raksa's trees, learned from `learn`."""
    model = RiskClassifier(directions=DIRECTIONS, **SETTINGS).fit(learn, left)
    return np.asarray(model.predict_proba(judge)[:, 1])


def logistic(learn: pd.DataFrame, left: np.ndarray, judge: pd.DataFrame) -> np.ndarray:
    """Chances by a logistic regression on standardised inputs."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(learn, left)
    return np.asarray(model.predict_proba(judge)[:, 1])


def hist_gradient_boosting(learn: pd.DataFrame, left: np.ndarray, judge: pd.DataFrame) -> np.ndarray:
    """Chances by scikit-learn's gradient boosting with its own settings."""
    return np.asarray(HistGradientBoostingClassifier(random_state=0).fit(learn, left).predict_proba(judge)[:, 1])


ESTIMATORS: Mapping[str, Chances] = {
    "raksa": raksa,
    "logistic": logistic,
    "hist_gradient_boosting": hist_gradient_boosting,
}


# ---------------------------------------------------------------------------------------------------- how it is judged
def judged(left: np.ndarray, chance: np.ndarray, repeats: int) -> dict[str, Any]:
    """Figures with intervals; precision, recall and lift of each list length; slope and observed over expected."""
    slope = LogisticRegression(C=1e6).fit(logit(np.clip(chance, 1e-6, 1 - 1e-6)).reshape(-1, 1), left).coef_[0, 0]
    tops = {share: at_top(left, chance, int(len(left) * share)) for share in SHARES}
    return {
        **figures(left, chance),
        "intervals": intervals(left, chance, np.arange(len(left)), repeats=repeats),
        "tops": {share: (precision, recall, precision / left.mean()) for share, (precision, recall) in tops.items()},
        "slope": float(slope),
        "observed_over_expected": float(left.sum() / chance.sum()),
    }


def stability(learn: pd.DataFrame, left: np.ndarray, judge: pd.DataFrame, by: Chances, repeats: int) -> float:
    """Jaccard of the judged top 10 % by models of two disjoint halves of the students, mean over `repeats` halvings."""
    shared, count = [], len(judge) // 10
    for seed in range(repeats):
        mixed = np.random.default_rng(seed).permutation(len(learn))
        lists = [
            set(np.argsort(-by(learn.iloc[half], left[half], judge), kind="stable")[:count])
            for half in np.array_split(mixed, 2)
        ]
        shared.append(len(lists[0] & lists[1]) / len(lists[0] | lists[1]))
    return float(np.mean(shared))


def audit(test: pd.DataFrame, left: np.ndarray, chance: np.ndarray) -> pd.DataFrame:
    """A row for each group of sex, race and fifth of the family's means, at the 10 % list.

    trait, group, students, left, recall, false_alarms (share of those who stayed that is listed), precision,
    observed_over_expected. A group in which fewer than 20 left has no rates (NaN).
    """
    listed = np.zeros(len(left))
    listed[np.argsort(-chance, kind="stable")[: int(len(left) * 0.10)]] = 1
    counted = pd.DataFrame(
        {"students": 1, "left": left, "listed": listed, "caught": listed * left, "foreseen": chance}, index=test.index
    )
    traits = {
        "sex": test["X1SEX"].map({0: "female", 1: "male"}),
        "race": test["X1RACE"].str.split(",").str[0],
        "means": pd.qcut(test["X1SES_U"], 5, labels=["1 poorest fifth", "2", "3", "4", "5 richest fifth"]).astype(str),
    }
    found = []
    for trait, groups in traits.items():
        by = counted.groupby(groups).sum()
        rates = pd.DataFrame(
            {
                "recall": by["caught"] / by["left"],
                "false_alarms": (by["listed"] - by["caught"]) / (by["students"] - by["left"]),
                "precision": by["caught"] / by["listed"],
                "observed_over_expected": by["left"] / by["foreseen"],
            }
        ).where(by["left"] >= 20)
        found.append(by[["students", "left"]].join(rates).rename_axis("group").reset_index().assign(trait=trait))
    return pd.concat(found, ignore_index=True)


# ------------------------------------------------------------------------------------------------------- what it says
def chart(left: np.ndarray, chance: np.ndarray, flags: pd.DataFrame) -> str:
    """The ROC curve over the published flags (sensitivity, specificity), as SVG: a point below the curve is a flag that
    finds fewer at the same share of false alarms."""
    wrong, found, _ = roc_curve(left, chance)
    below = np.interp(1 - flags["specificity"], wrong, found) >= flags["sensitivity"]

    def place(across: float, up: float) -> tuple[float, float]:
        return round(60 + 400 * across, 1), round(440 - 400 * up, 1)

    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 500" font-family="sans-serif" font-size="13">',
        "<title>Found and false alarms: Raksa on HSLS:09, and 110 published flags on other data</title>",
        '<rect width="720" height="500" fill="white"/>',
    ]
    for tenth in range(0, 11, 2):
        (x, _), (_, y) = place(tenth / 10, 0), place(0, tenth / 10)
        out.append(f'<path d="M{x} 40V440M60 {y}H460" stroke="#dddddd"/>')
        out.append(f'<text x="{x}" y="458" text-anchor="middle" fill="#444444">{tenth * 10} %</text>')
        out.append(f'<text x="54" y="{y + 4}" text-anchor="end" fill="#444444">{tenth * 10} %</text>')
    out.append('<path d="M60 440L460 40" stroke="#bbbbbb" stroke-dasharray="4 4"/>')
    for wrongly, rightly, under in zip(1 - flags["specificity"], flags["sensitivity"], below, strict=True):
        x, y = place(wrongly, rightly)
        out.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{"#b8860b" if under else "#7a4fbf"}" fill-opacity="0.6"/>')
    line = " ".join(f"{x},{y}" for x, y in map(place, wrong, found))
    out.append(f'<polyline points="{line}" fill="none" stroke="#0b6e4f" stroke-width="2.5"/>')
    for row, (colour, words) in enumerate(
        [
            ("#0b6e4f", "Raksa, HSLS:09, grade 9"),
            ("#b8860b", f"{below.sum()} flags on or under the curve"),
            ("#7a4fbf", f"{(~below).sum()} flags above it"),
        ]
    ):
        out.append(f'<circle cx="486" cy="{60 + 24 * row}" r="5" fill="{colour}"/>')
        out.append(f'<text x="498" y="{64 + 24 * row}">{words}</text>')
    out.append('<text x="486" y="150" fill="#444444">Flags: other places and years,</text>')
    out.append('<text x="486" y="168" fill="#444444">many read after grade 9.</text>')
    out.append('<text x="260" y="485" text-anchor="middle">listed among those who stayed</text>')
    out.append('<text x="60" y="28">found among those who dropped out</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def show(results: Mapping[str, Mapping[str, Any]], stable: Mapping[str, float], groups: pd.DataFrame) -> None:
    """The tables a person reads."""
    table = Table(title="HSLS:09, ever dropped out, from grade 9", title_justify="left", box=None)
    for heading in ("", "n", "base", *METRICS, "slope", "O/E", "halves"):
        table.add_column(heading, justify="right")
    for name, f in results.items():
        cells = [f"{f[m]:.3f} ({f['intervals'][m][0]:.3f}–{f['intervals'][m][1]:.3f})" for m in METRICS]
        ends = (f"{f['slope']:.2f}", f"{f['observed_over_expected']:.2f}", f"{stable[name]:.3f}")
        table.add_row(name, f"{f['n']:,}", f"{f['base']:.3f}", *cells, *ends)
    for name, auc in PUBLISHED.items():
        table.add_row(f"published: {name}", "", "", f"{auc:.3f}", style="dim")
    lists = Table(title="precision, recall, lift of the highest 5, 10, 20 %", title_justify="left", box=None)
    for name, f in results.items():
        lists.add_row(name, *(f"{p:.3f}, {r:.3f}, {lift:.2f} ×" for p, r, lift in f["tops"].values()))
    whom = Table(title="raksa, by group, at the 10 % list", title_justify="left", box=None)
    for column in (columns := ["trait", "group", "students", "left", *groups.columns[3:7]]):
        whom.add_column(column, justify="left" if column in ("trait", "group") else "right")
    for row in groups[columns].itertuples(index=False):
        whom.add_row(*(v if isinstance(v, str) else f"{v:,.0f}" if v >= 2 else f"{v:.3f}" for v in row))
    for each in (table, lists, whom):
        Console(width=190).print(each)


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--quick", action="store_true", help="few bootstrap repeats, one halving")
    asked.add_argument("--json", type=Path, help="write the figures to this file")
    asked.add_argument("--chart", type=Path, help="draw the ROC curve over 110 published flags into this SVG")
    chosen = asked.parse_args()
    repeats, halvings = (20, 1) if chosen.quick else (500, 5)
    print("Raksa on HSLS:09 · " + " · ".join(f"{p} {version(p)}" for p in ("lightgbm", "scikit-learn", "pandas")))
    started, data = time.perf_counter(), data_folder()
    train, test = (pd.read_parquet(data / "hsls09" / f"edm2024_{part}.parquet") for part in ("train", "test"))
    learn, judge = inputs(train), inputs(test)
    left, left_test = (rows[OUTCOME].to_numpy(np.float64) for rows in (train, test))
    chances = {name: by(learn, left, judge) for name, by in ESTIMATORS.items()}
    results = {name: judged(left_test, chance, repeats) for name, chance in chances.items()}
    stable = {name: stability(learn, left, judge, by, halvings) for name, by in ESTIMATORS.items()}
    show(results, stable, audit(test, left_test, chances["raksa"]))
    print("Intervals: 95 %, bootstrap over students. halves: Jaccard of the top 10 % by models of two disjoint halves.")
    print(f"whole run: {time.perf_counter() - started:.1f} s")
    if chosen.chart:
        flags = pd.read_parquet(data / "benchmarks" / "bowers_ews_110.parquet")
        chosen.chart.write_text(chart(left_test, chances["raksa"], flags), encoding="utf-8")
    if chosen.json:
        keys = ("n", "base", "auc", "ap", "p10", "r10", "brier", "ece")
        chosen.json.write_text(json.dumps({n: {k: f[k] for k in keys} for n, f in results.items()}, indent=1))


if __name__ == "__main__":
    try:
        main()
    except RaksaError as wrong:
        raise SystemExit(f"benchmarks.hsls: {wrong}") from None
