"""Learning from a panel that outgrows one machine's memory: the same trees, grown by `lightgbm.dask` on a cluster.

    panel_files   the panel in Parquet files, one an as-of date and learner bucket
    fit_files     `models.risk.fit` from such files: same facts, same settings, same calibration

Trees grown by several workers add their sums in another order than one process does, so they are near to those of
`fit`, not the same bytes; on one machine that holds the panel `fit` is twice as fast (docs/performance.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.build import build_files, read_files
from features.readiness import cannot_score
from models.outcome import asked, outcome
from models.panel import AsOf
from models.pooling import SchoolRates, drawn_to_average
from models.risk import SCHOOL, Risk, calibrated, directions, shown
from models.trees import BAG, PARAMS, ROUNDS
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store

_FOLDS = 5


def panel_files(store: Store, settings: Settings, asofs: Sequence[AsOf], folder: Path) -> list[Path]:
    """Write the panel (`models.panel.panel`, without `attended_on`) of everyone who can be scored: a file an as-of date
    and bucket. Only a bucket at a time is in memory."""
    build_files(store, settings, [each.as_of for each in asofs], folder)
    files = []
    for each in asofs:
        for bucket in range(store.identity.buckets):
            rows = read_files(folder, each.as_of, bucket)
            rows = rows[~rows["floating"]].reset_index(drop=True)
            became = outcome(store, settings, rows, each.as_of, each.by, bucket).drop(columns="learner_id")
            rows = pd.concat([rows.assign(as_of=pd.Timestamp(each.as_of)), became], axis=1)
            rows["left"] = asked(became, settings.outcome)
            file = folder / f"{each.as_of}-{bucket:04d}.parquet"
            rows[cannot_score(rows, settings).isna()].to_parquet(file, index=False)
            files.append(file)
    return files


def fit_files(
    client: Any,
    files: Sequence[Path],
    features: Sequence[str],
    later: pd.DataFrame,
    *,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
    bag: int = BAG,
) -> Risk:
    """Learn from panel files with the workers of a dask.distributed cluster, `client`; calibrate on `later`, rows in
    memory of a year after. Every worker must see the files. Raises RaksaError without leavers to learn from."""
    facts = list(features)
    sums = client.gather(client.map(_sums, files, facts=facts))
    by = pd.concat([each[0] for each in sums]).groupby(level=[0, 1]).sum()
    low, high = np.fmin.reduce([each[1] for each in sums]), np.fmax.reduce([each[2] for each in sums])
    total = by.sum()
    if not 0 < total["left"] < total["size"]:
        raise RaksaError(
            "Nothing to learn from: the training years hold no leavers, or only leavers. Import more years."
        )
    used = (*(f for f, least, most in zip(facts, low, high, strict=True) if least < most), SCHOOL)
    rates = drawn_to_average(by.groupby(level=0).sum())
    others = [drawn_to_average((by.groupby(level=0).sum() - by.xs(fold, level=1)).dropna()) for fold in range(_FOLDS)]
    settings = {**PARAMS, **(params or {}), "monotone_constraints": directions(used)}
    from dask.delayed import delayed

    parts = client.persist([delayed(_taught)(file, used, others) for file in files])
    sizes = client.gather(client.compute([part[1].shape[0] for part in parts]))
    boosters = tuple(
        _grow(client, parts, sizes, len(used), {**settings, "seed": seed * 1000 + n}, rounds) for n in range(bag)
    )
    known = later[later["left"].notna()]
    learned = Risk(boosters, rates, used)
    about = {"rows": int(total["size"]), "left": int(total["left"]), "calibrated_on": len(known), "rounds": rounds,
             "bag": bag, "seed": seed, "params": settings, "on_a_cluster": True}  # fmt: skip
    return replace(calibrated(learned, known, learned.raw(known), seed), about=about)


def _sums(file: Path, facts: list[str]) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Leavers and rows by main school and fold, and each fact's least and largest value, of one file."""
    rows = pd.read_parquet(file, columns=["learner_id", "main_school_id", "left", *facts])
    rows = rows[rows["left"].notna()]
    fold = rows["learner_id"] % _FOLDS
    by: pd.DataFrame = rows.groupby(["main_school_id", fold]).agg(left=("left", "sum"), size=("left", "size"))
    return by, rows[facts].min().to_numpy(np.float64), rows[facts].max().to_numpy(np.float64)


def _taught(file: Path, used: tuple[str, ...], others: list[SchoolRates]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the trees are shown of one file; a learner's own leaving never tells her school's rate."""
    rows = pd.read_parquet(file, columns=["learner_id", "main_school_id", "left", *used[:-1]])
    rows = rows[rows["left"].notna()].reset_index(drop=True)
    rates = np.zeros(len(rows))
    for fold, rate in enumerate(others):
        mine = (rows["learner_id"] % _FOLDS == fold).to_numpy()
        rates[mine] = rate(rows.loc[mine, "main_school_id"])
    return shown(rows, rates, used)


def _grow(
    client: Any, parts: Sequence[Any], sizes: Sequence[int], width: int, settings: Mapping[str, Any], rounds: int
) -> lgb.Booster:
    import dask.array as da
    from lightgbm.dask import DaskLGBMClassifier

    held = list(zip(parts, sizes, strict=True))
    array: Any = da  # dask.array has no types
    matrix = array.concatenate([array.from_delayed(part[0], (n, width), np.float32) for part, n in held])
    left, weight = (
        array.concatenate([array.from_delayed(part[which], (n,), np.float64) for part, n in held]) for which in (1, 2)
    )
    own = {key: value for key, value in settings.items() if key not in ("objective", "num_threads")}
    fitted = DaskLGBMClassifier(client=client, n_estimators=rounds, tree_learner="data", **own)
    with warnings.catch_warnings():
        # It says so of every fit, asked for threads or not: workers use the threads they have.
        warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
        fitted.fit(matrix, left, sample_weight=weight)
    return lgb.Booster(model_str=fitted.booster_.model_to_string())
