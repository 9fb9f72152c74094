"""How the model is judged: rankings against scikit-learn's, lists with ties, lead times, and a whole judged year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_panel import panel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from features.registry import MODEL_FEATURES
from models.baselines import RULES, by_one_fact
from models.evaluate import Ranked, places
from models.judge import judge, lead, units
from models.risk import fit
from raksa.settings import Settings

rows = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n),
        st.lists(st.sampled_from([-np.inf, 0.1, 0.2, 0.7, 0.9]), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)


@given(rows)
def test_ranking_figures_are_scikit_learn_s_with_every_row_counted_as_often_as_drawn(made) -> None:
    left, scores, weight = (np.array(part) for part in made)
    auc, ap = Ranked(left, scores)(weight)
    again = np.repeat(np.arange(len(left)), weight)
    if 0 < left[again].sum() < len(again):
        finite = np.where(np.isinf(scores), -1.0, scores)[again]
        assert auc == pytest.approx(roc_auc_score(left[again], finite))
        assert ap == pytest.approx(average_precision_score(left[again], finite))
    else:
        assert np.isnan(auc) and np.isnan(ap)


@given(rows, st.integers(1, 4))
def test_every_list_is_as_long_as_it_may_be_and_ties_share_what_room_is_left(made, size) -> None:
    left, scores, lists = (np.array(part) for part in made)
    found = places(scores, lists, np.full(4, size))
    count = np.bincount(lists, minlength=4)
    assert np.bincount(lists, found.share, 4) == pytest.approx(np.minimum(count, size))
    worst, best = found.luck(left)
    assert worst - 1e-9 <= float((found.share * left).sum()) <= best + 1e-9
    for one in range(4):  # the best and the worst order of equal scores, by sorting
        mine = lists == one
        for sign, luck in ((1, best), (-1, worst)):
            order = np.lexsort((-sign * left[mine], -scores[mine]))
            luck -= left[mine][order][:size].sum()
            best, worst = (luck, worst) if sign == 1 else (best, luck)
    assert (best, worst) == pytest.approx((0, 0))


def _year(year: int, seed: int, n: int = 1500) -> pd.DataFrame:
    made = panel(n, seed=seed)
    schools = made["main_school_id"]
    return made.assign(
        school_id=schools, area_id=np.where(schools.astype(int) < 6, "A", "B"), academic_year=year,
        as_of=pd.Timestamp(year - 543, 8, 3), left_on=pd.Timestamp(year - 542, 3, 1), attended_on=pd.NaT,
        kind=np.where(made["left"] == 1, "not_arrived", None),
    )  # fmt: skip


@pytest.fixture(scope="module")
def judged():
    past, held = pd.concat([_year(2566, 0), _year(2567, 1)]), _year(2568, 2)
    risk = fit(past[past["academic_year"] == 2566], MODEL_FEATURES, later=past[past["academic_year"] == 2567], bag=2)
    own = LogisticRegression().fit(past[["grade_average"]].fillna(0), past["left"])
    held.loc[:9, "left"] = np.nan
    others = {"mine": own.predict_proba(held.loc[10:, ["grade_average"]])[:, 1]}
    return judge(risk, past, held, Settings(), others)


def test_a_year_is_judged_beside_every_rule_on_the_same_lists(judged) -> None:
    compared = judged["compared"]
    assert {"model", "mine", *RULES} == set(compared)
    assert len({found["at_capacity"]["listed"] for found in compared.values()}) == 1
    assert compared["model"]["auc"] > compared["demographics"]["auc"]
    assert compared["absence_10"]["at_capacity"]["recall_worst"] < compared["absence_10"]["at_capacity"]["recall_best"]
    low, high = compared["absence_10"]["against_model"]["auc"]
    assert low < compared["model"]["auc"] - compared["absence_10"]["auc"] < high and low > 0
    assert "ece" not in compared["logistic"] and compared["model"]["ece"] < 0.05


def test_rows_without_an_outcome_are_counted_and_in_no_figure(judged) -> None:
    assert judged["unknown"] == 10
    assert judged["compared"]["model"]["n"] == 1490 == sum(each["n"] for each in judged["by_area"])


def test_the_card_s_sums_by_unit_and_stage_are_those_of_the_whole(judged) -> None:
    for parts in (judged["by_area"], judged["by_school"], list(judged["by_stage"].values())):
        assert sum(each["left"] for each in parts) == pytest.approx(judged["left"])
        assert sum(each["foreseen"] for each in parts) == pytest.approx(judged["foreseen"])
    assert all(each["low"] < each["ratio"] < each["high"] for each in judged["by_school"] if each["left"])
    assert judged["coverage"]["on_list"]["lists"] == 12


def test_each_area_is_told_whether_the_model_beats_the_best_rule(judged) -> None:
    assert [each["id"] for each in judged["beside_best_rule"]] == ["A", "B"]
    for each in judged["beside_best_rule"]:
        assert each["low"] <= each["recall"] - each["recall_rule"] <= each["high"]
        assert not (each["better"] and each["worse"])


def test_what_the_lists_find_stands_with_its_interval(judged) -> None:
    model = judged["compared"]["model"]
    for figure, known in (
        ("at_capacity / precision", model["at_capacity"]["precision"]),
        ("at_capacity / recall", model["at_capacity"]["recall"]),
        ("lead / share_60_days", model["lead"]["share_60_days"]),
    ):
        low, high = judged["intervals"][figure]
        assert 0 <= low <= known <= high <= 1 and low < high, figure


def test_lead_runs_from_the_first_listing_to_the_last_day_attended() -> None:
    day = pd.Timestamp
    held = pd.DataFrame(
        {
            "learner_id": [1, 1, 2, 3, 4],
            "as_of": [day("2025-08-03"), day("2025-11-16"), day("2025-11-16"), day("2025-08-03"), day("2025-08-03")],
            "left": [1.0, 1.0, 1.0, 1.0, 0.0],
            "left_on": [pd.NaT, pd.NaT, day("2025-12-14"), day("2026-03-31"), pd.NaT],
            "attended_on": [day("2026-02-15"), day("2026-02-15"), pd.NaT, pd.NaT, pd.NaT],
        }
    )
    found = lead(held, np.array([1.0, 1.0, 1.0, 0.4, 1.0]))
    assert (found["left"], found["listed"]) == (3, 2)
    assert found["weeks_median"] == pytest.approx((28 + 4) / 2)
    assert found["share_60_days"] == pytest.approx(1 / 3)
    assert np.isnan(lead(held.iloc[4:].reset_index(drop=True), np.ones(1))["weeks_median"])


def test_a_school_s_count_is_of_children_not_of_dates() -> None:
    dates = pd.to_datetime(["2025-08-03", "2025-08-03", "2025-09-14", "2025-09-14"])
    twice = pd.DataFrame({"learner_id": [1, 2, 1, 2], "school_id": "S", "left": [1.0, 0, 1, 0], "as_of": dates})
    (one,) = units(twice, np.full(4, 0.25), "school_id")
    assert (one["n"], one["left"], one["foreseen"], one["ratio"]) == (2, 1, 0.5, 2)
    assert one["low"] == pytest.approx(0.0253 / 0.5, abs=1e-3) and one["high"] == pytest.approx(5.5716 / 0.5, abs=1e-3)


def test_a_fact_not_known_comes_last() -> None:
    made = panel(4).assign(grade_average=[3.0, np.nan, 1.0, 2.0])
    assert np.argsort(-by_one_fact(made, "grade_average")).tolist() == [2, 3, 0, 1]
