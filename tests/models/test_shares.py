"""What each feature adds, against LightGBM's own TreeSHAP."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from models.shares import contributions

QUIET = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "deterministic": True}


def rows(n: int, seed: int, unknown: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Six features, one of few values, one known of everybody, the rest unknown now and then; and an outcome."""
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(n, 6)).astype(np.float32)
    matrix[:, 1] = draw.integers(0, 3, n)
    left = draw.random(n) < 1 / (1 + np.exp(-(matrix[:, 0] * matrix[:, 1] + matrix[:, 2] - 1)))
    matrix[draw.random(matrix.shape) < unknown * (np.arange(6) != 3)] = np.nan
    return matrix, left.astype(float)


def grown(leaves: int, rounds: int = 40, unknown: float = 0.2, **more: object) -> list[lgb.Booster]:
    matrix, left = rows(800, 0, unknown)
    settings = {**QUIET, "num_leaves": leaves, **more}
    return [lgb.train({**settings, "seed": seed}, lgb.Dataset(matrix, left), rounds) for seed in (0, 1)]


def theirs(boosters: list[lgb.Booster], matrix: np.ndarray) -> np.ndarray:
    return np.mean([booster.predict(matrix, pred_contrib=True) for booster in boosters], axis=0)


@pytest.mark.parametrize("leaves", [2, 3, 6, 8])
@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_the_same_as_lightgbm_s_own_and_adding_up_to_the_score(leaves: int, unknown: float) -> None:
    boosters, (matrix, _) = grown(leaves, unknown=unknown), rows(500, 1, unknown)
    found = contributions(boosters, matrix)
    assert np.abs(found - theirs(boosters, matrix)).max() < 1e-12
    raw = np.mean([booster.predict(matrix, raw_score=True) for booster in boosters], axis=0)
    assert np.abs(found.sum(axis=1) - raw).max() < 1e-12


def test_what_was_always_known_in_training_and_is_not_now_goes_as_lightgbm_sends_it() -> None:
    boosters, (matrix, _) = grown(6, unknown=0.0), rows(500, 2, unknown=0.5)
    matrix[::7, 3] = np.nan
    assert np.abs(contributions(boosters, matrix) - theirs(boosters, matrix)).max() < 1e-12


def test_monotone_trees_and_values_on_a_line() -> None:
    boosters = grown(6, monotone_constraints=[1, 1, 1, 0, 0, -1])
    lines = {t for b in boosters for t in b.trees_to_dataframe()["threshold"].dropna()}
    matrix = np.array([[line] * 6 for line in sorted(lines)])
    assert np.abs(contributions(boosters, matrix) - theirs(boosters, matrix)).max() < 1e-12


def test_trees_of_many_questions_are_left_to_lightgbm() -> None:
    boosters, (matrix, _) = grown(15), rows(50, 3)
    assert (contributions(boosters, matrix) == theirs(boosters, matrix)).all()


def test_a_tree_that_asks_nothing_adds_nothing() -> None:
    matrix, left = rows(200, 4)
    boosters = [lgb.train({**QUIET, "min_data_in_leaf": 150}, lgb.Dataset(matrix, left), 1)]
    found = contributions(boosters, matrix)
    assert (found[:, :-1] == 0).all() and np.abs(found - theirs(boosters, matrix)).max() < 1e-12


def test_rows_in_blocks_and_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    boosters, (matrix, _) = grown(6), rows(100, 5)
    whole = contributions(boosters, matrix)
    monkeypatch.setattr("models.shares._BLOCK", 33)
    assert (contributions(boosters, matrix) == whole).all()
    assert contributions(boosters, matrix[:0]).shape == (0, 7)
