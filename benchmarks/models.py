"""How fast the model learns, scores and explains, beside LightGBM called directly on the same matrix in the same run.

    python -m benchmarks.models [--quick] [--part 1] [--repeats 3] [--json FILE]

train     a bag of trees from 2 million rows × 60 facts: models.trees.grow, and lightgbm.train in a loop
score     6.5 million rows, log-odds averaged over the bag: models.risk.Risk.predict, and Booster.predict in a loop
reasons   the sentences of the listed tenth, 650,000 rows, with exact contributions: models.reasons.reasons

Each is a process of its own on the same invented rows; start and imports and the making of the rows are not counted in
the seconds but are in the memory. Medians; raksa and LightGBM take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.measure import measured
from features.build import PLACE
from features.registry import BY_NAME, FEATURES, MODEL_FEATURES
from models import trees
from models.pooling import SchoolRates
from models.reasons import reasons
from models.risk import Risk, load, save
from raksa.settings import load as settings_of

_PROGRAM = """
import sys
from pathlib import Path
from benchmarks.models import run

if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
"""
_FACTS = 60
_AS_OF = date(2025, 11, 16)
_BLOCK = 250_000


def invented(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Facts (rows, 60) float32, a fifth not known, and who left: the first twenty facts raise the chance."""
    draw = np.random.default_rng(seed)
    facts = draw.random((rows, _FACTS), np.float32)
    odds = 3 * (facts[:, :20].mean(axis=1) - 0.5) * np.sqrt(20) - 3.5
    facts[draw.random((rows, _FACTS), np.float32) < 0.2] = np.nan
    return facts, (draw.random(rows, np.float32) < 1 / (1 + np.exp(-odds))).astype(np.float64)


def frame(facts: np.ndarray) -> pd.DataFrame:
    """The same rows as `features.build` gives them: every column there is, the facts in the model's features."""
    rows = len(facts)
    held = {f.name: np.full(rows, np.nan, np.float32) for f in FEATURES}
    held |= {name: facts[:, n] for n, name in enumerate(MODEL_FEATURES[:_FACTS])}
    place = dict.fromkeys(PLACE, None) | {
        "learner_id": np.arange(rows),
        "main_school_id": np.array([f"99{n:06d}" for n in range(200)])[np.arange(rows) // 250 % 200],
        "grade": np.array(["ป.5", "ม.2", "ม.5"])[np.arange(rows) // 30 % 3],
        "room": np.array(["1", "2"])[np.arange(rows) // 15 % 2],
        "last_mark": pd.Timestamp(_AS_OF),
        "started_on": pd.Timestamp(2025, 5, 16),
        "academic_year": 2568,
        "floating": False,
    }
    place["school_id"] = place["main_school_id"]
    return pd.DataFrame(place | held)


def run(task: str, engine: str, rows: int, folder: Path) -> None:
    """One measurement, its seconds written to `<folder>/seconds`."""
    ways: dict[tuple[str, str], Callable[[int, Path], float]] = {
        ("train", "raksa"): _train,
        ("train", "lightgbm"): _train_directly,
        ("score", "raksa"): _score,
        ("score", "lightgbm"): _score_directly,
        ("reasons", "raksa"): _reasons,
    }
    (folder / "seconds").write_text(str(ways[task, engine](rows, folder)))


def _directions() -> list[int]:
    return [BY_NAME[name].direction for name in MODEL_FEATURES[:_FACTS]]


def model(folder: Path) -> None:
    """A fitted model of the usual size in `<folder>/model`, for scoring and explaining."""
    facts, left = invented(200_000)
    boosters = trees.grow(facts, left, _directions())
    (folder / "model").mkdir()
    save(Risk(boosters, SchoolRates(0.03, {}), MODEL_FEATURES[:_FACTS]), folder / "model", {"id": "bench"})


def _train(rows: int, _: Path) -> float:
    facts, left = invented(rows)
    started = time.perf_counter()
    trees.grow(facts, left, _directions())
    return time.perf_counter() - started


def _train_directly(rows: int, _: Path) -> float:
    facts, left = invented(rows)
    started = time.perf_counter()
    settings = {**trees.PARAMS, "monotone_constraints": _directions(), "num_threads": os.cpu_count()}
    held = lgb.Dataset(facts, left, params=settings)
    for seed in range(trees.BAG):
        lgb.train({**settings, "seed": seed}, held, trees.ROUNDS)
    return time.perf_counter() - started


def _score(rows: int, folder: Path) -> float:
    risk, spent = load(folder / "model"), 0.0
    for first in range(0, rows, _BLOCK):
        held = frame(invented(min(_BLOCK, rows - first), first)[0])
        started = time.perf_counter()
        risk.predict(held)
        spent += time.perf_counter() - started
    return spent


def _score_directly(rows: int, folder: Path) -> float:
    boosters, spent = load(folder / "model").boosters, 0.0
    for first in range(0, rows, _BLOCK):
        facts = invented(min(_BLOCK, rows - first), first)[0]
        started = time.perf_counter()
        np.mean([b.predict(facts, raw_score=True, num_threads=os.cpu_count()) for b in boosters], axis=0)
        spent += time.perf_counter() - started
    return spent


def _reasons(rows: int, folder: Path) -> float:
    risk, spent, settings = load(folder / "model"), 0.0, settings_of()
    for first in range(0, rows, _BLOCK):
        held = frame(invented(min(_BLOCK, rows - first), first)[0])
        started = time.perf_counter()
        reasons(risk, held, _AS_OF, settings, among=held)
        spent += time.perf_counter() - started
    return spent


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="a hundredth of the rows, once")
    asked.add_argument("--part", type=int, default=1, help="one so-manieth of the rows")
    asked.add_argument("--repeats", type=int, default=3, help="runs of each, of which the median counts")
    asked.add_argument("--json", type=Path, help="write task, engine, rows, seconds, cpu_s, peak_mb to this file")
    said = asked.parse_args()
    share, repeats = (100, 1) if said.quick else (said.part, said.repeats)
    sizes = {"train": 2_000_000 // share, "score": 6_500_000 // share, "reasons": 650_000 // share}
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        model(folder)
        for _ in range(repeats):
            for task, engine in (("train", "raksa"), ("train", "lightgbm"), ("score", "raksa"), ("score", "lightgbm"),
                                 ("reasons", "raksa")):  # fmt: skip
                cost = measured(_PROGRAM, task, engine, str(sizes[task]), str(folder))
                cost["seconds"] = float((folder / "seconds").read_text())
                runs.setdefault((task, engine), []).append(cost)
    found: list[dict[str, Any]] = [
        {"task": task, "engine": engine, "rows": sizes[task]}
        | {key: round(statistics.median(one[key] for one in each), 2) for key in ("seconds", "cpu_s", "peak_mb")}
        for (task, engine), each in runs.items()
    ]
    table = Table(*found[0], box=None, title=f"lightgbm {version('lightgbm')}, {os.cpu_count()} cores")
    for row in found:
        table.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in row.values()))
    Console(width=100).print(table)
    seconds = {(row["task"], row["engine"]): row["seconds"] for row in found}
    for task in ("train", "score"):
        print(f"{task}: raksa / LightGBM called directly = {seconds[task, 'raksa'] / seconds[task, 'lightgbm']:.2f}")
    if said.json:
        said.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
