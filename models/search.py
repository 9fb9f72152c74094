"""Looking for better settings of the trees within a time: `raksa train --search 20m`. The past alone judges.

Learned on all but the last of the years given and judged on the last of them; years that calibrate and judge the model
are not among them. With one year, a third of its schools judge. What is found, and how often it was looked for, goes on
the card: a model chosen among two hundred is a little worse than it looks on the year that chose it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pandas as pd
from sklearn.metrics import log_loss

from models.risk import fit, past_split
from models.trees import ROUNDS
from raksa.errors import RaksaError

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(said: str) -> float:
    """ "90s", "20m", "1.5h" as seconds. Raises RaksaError otherwise."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", said.strip())
    if not found or not float(found[1]):
        raise RaksaError(f"--search {said!r} is no time: write a number and s, m or h, such as 20m.")
    return float(found[1]) * _UNITS[found[2]]


def search(
    rows: pd.DataFrame,
    features: tuple[str, ...],
    *,
    budget: float,
    seed: int = 0,
    most: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The best settings found within `budget` seconds (or `most` trials): params and rounds for `models.risk.fit`,
    trials, and the log loss of the settings as they come and as found, calibrated out of fold.

    The product's own settings are the first trial, and stand if nothing beats them. Trials follow the seed; how many
    fit the time depends on the machine, so a run to be repeated byte for byte gives `most`.
    """
    rows = rows[rows["left"].notna()]
    learn, later = past_split(rows, seed)
    if later["left"].nunique() < 2 or learn["left"].nunique() < 2:
        raise RaksaError("Too few who left in the past to search for settings; train without --search.")

    def loss(trial: optuna.Trial) -> float:
        params = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 3, 24, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 400, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.8),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100, log=True),
            # One border drawn at random for each fact: blunter, and steadier from one year's schools to the next.
            "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
        }
        rounds = trial.suggest_int("rounds", 50, 800, log=True)
        fitted = fit(learn, features, seed=seed, params=params, rounds=rounds, bag=1)
        found = float(log_loss(later["left"], np.clip(fitted.predict(later), 1e-6, 1 - 1e-6)))
        if progress:
            progress(f"trial {trial.number + 1}: log loss {found:.5f}")
        return found

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(
        {"learning_rate": 0.03, "num_leaves": 6, "min_data_in_leaf": 50, "feature_fraction": 0.15, "lambda_l2": 10.0,
         "extra_trees": False, "rounds": ROUNDS}
    )  # fmt: skip
    study.optimize(loss, n_trials=most, timeout=budget)
    best = dict(study.best_params)
    return {
        "rounds": int(best.pop("rounds")),
        "params": best,
        "trials": len(study.trials),
        "log_loss_before": float(study.trials[0].value or np.nan),
        "log_loss": float(study.best_value),
    }
