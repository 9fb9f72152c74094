"""Searching for settings in the past, and the trees as a scikit-learn classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_panel import panel
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from features.registry import MODEL_FEATURES
from models.estimator import RiskClassifier
from models.risk import fit, past_split
from models.search import search, seconds
from raksa.errors import RaksaError


def test_a_time_is_read_and_anything_else_refused() -> None:
    assert [seconds(said) for said in ("90s", "20m", "1.5h")] == [90, 1200, 5400]
    for wrong in ("20", "m", "-5m", "0m", "20 minutes"):
        with pytest.raises(RaksaError, match="such as 20m"):
            seconds(wrong)


def test_the_last_year_of_the_past_is_looked_at_or_else_schools_apart() -> None:
    years = panel(300).assign(academic_year=np.repeat([2565, 2566, 2567], 100))
    learn, later = past_split(years, seed=0)
    assert set(learn["academic_year"]) == {2565, 2566} and set(later["academic_year"]) == {2567}
    learn, later = past_split(years[years["academic_year"] == 2565], seed=0)
    assert not set(learn["main_school_id"]) & set(later["main_school_id"])


def test_a_search_is_repeatable_and_never_worse_than_the_settings_as_they_come() -> None:
    rows = panel(1500).assign(academic_year=np.repeat([2565, 2566], 750))
    said: list[str] = []
    one, other = (search(rows, MODEL_FEATURES, budget=600, most=3, progress=said.append) for _ in range(2))
    assert one == other and one["trials"] == 3 and len(said) == 6
    assert one["log_loss"] <= one["log_loss_before"]
    fit(rows, MODEL_FEATURES, params=one["params"], rounds=one["rounds"], bag=1)


def test_early_stopping_looks_at_the_past_alone_and_stops() -> None:
    rows = panel(1500).assign(academic_year=np.repeat([2565, 2566], 750))
    stopped = fit(rows, MODEL_FEATURES, rounds=None, bag=1)
    assert 50 <= stopped.about["rounds"] < 1000
    later = panel(500, seed=5).assign(academic_year=2567)
    assert fit(rows, MODEL_FEATURES, later=later, rounds=None, bag=1).about["rounds"] == stopped.about["rounds"]


def test_the_classifier_keeps_scikit_learn_s_manners() -> None:
    made = panel(900)
    X, y = made[["absent_rate_28d", "grade_average", "poverty_class"]], made["left"].astype(int)
    own = RiskClassifier(directions={"absent_rate_28d": 1, "grade_average": -1}, rounds=40, bag=2)
    again = clone(own).fit(X, y, groups=made["learner_id"])
    chance = again.predict_proba(X)
    assert chance.sum(axis=1) == pytest.approx(1) and chance[:, 1].mean() == pytest.approx(y.mean(), abs=0.02)
    assert np.abs(again.contributions(X).sum(axis=1) - again.decision_function(X)).max() < 1e-9
    assert (again.predict_proba(X.assign(absent_rate_28d=X["absent_rate_28d"] + 0.2))[:, 1] >= chance[:, 1]).all()
    assert cross_val_score(clone(own), X, y, cv=3, scoring="roc_auc").mean() > 0.6


def test_the_classifier_calibrates_on_later_rows_when_it_has_them() -> None:
    made, later = panel(900), panel(2000, seed=3)
    X, names = made, ["absent_rate_28d", "grade_average"]
    rarer = later[(later["left"] == 0) | (np.arange(len(later)) % 4 == 0)]
    fitted = RiskClassifier(rounds=40, bag=1).fit(X[names], X["left"], later=(rarer[names], rarer["left"]))
    assert fitted.predict_proba(rarer[names])[:, 1].mean() == pytest.approx(rarer["left"].mean(), abs=0.005)
    with pytest.raises(KeyError):
        fitted.predict_proba(pd.DataFrame({"absent_rate_28d": [0.1]}))
