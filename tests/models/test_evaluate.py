"""Figures whose answer is plain, or known from a textbook loop; undefined is NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.evaluate import at_top, calibration_error, capacity, figures, intervals, listed
from raksa.settings import Settings


def test_the_top_of_a_list_with_a_tie_across_the_line() -> None:
    left, risk = np.array([1, 0, 1, 0, 0.0]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    # One place for three tied children of whom one leaves: a third of a leaver.
    assert at_top(left, risk, 2) == pytest.approx(((1 + 1 / 3) / 2, (1 + 1 / 3) / 2))


def test_a_school_where_nobody_left_has_no_recall_and_no_auc() -> None:
    found = figures(np.zeros(10), np.linspace(0, 1, 10))
    assert np.isnan(found["auc"]) and np.isnan(found["r10"]) and found["p10"] == 0


def test_calibration_error_by_hand() -> None:
    left, risk = np.array([0, 1, 1, 1.0]), np.array([0.15, 0.15, 0.75, 0.75])
    assert calibration_error(left, risk) == pytest.approx(0.5 * abs(0.5 - 0.15) + 0.5 * abs(1 - 0.75))


def test_intervals_hold_the_figure_and_narrow_with_more_children() -> None:
    draw = np.random.default_rng(0)
    risk = draw.random(4000)
    left = (draw.random(4000) < risk).astype(float)
    wide, narrow = (intervals(left[:n], risk[:n], np.arange(n), repeats=60)["auc"] for n in (400, 4000))
    assert narrow[0] < figures(left, risk)["auc"] < narrow[1]
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_the_list_is_as_long_as_the_school_can_see_to() -> None:
    settings = Settings(capacity_share=0.1, capacity_least=2)
    schools = pd.Series(["a"] * 40 + ["b"] * 5)
    risk = np.r_[np.linspace(0, 0.39, 40), [0.9, np.nan, 0.8, 0.7, 0.1]]
    on = listed(schools, risk, settings, pd.Series(range(45)))
    assert list(np.flatnonzero(on)) == [36, 37, 38, 39, 40, 42]
    assert list(capacity(np.array([40, 5, 300]), settings)) == [4, 2, 30]


def test_equal_risks_stand_in_order_of_learner() -> None:
    settings = Settings(capacity_share=0.01, capacity_least=1)
    assert list(listed(pd.Series(["a", "a"]), np.array([0.5, 0.5]), settings, pd.Series([9, 3]))) == [False, True]
