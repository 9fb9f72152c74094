"""Curves, levels and intervals on processes whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.calibration import KINDS, Calibration, calibrate, curve, stage_of
from models.pooling import Levels, levels, school_rates
from models.uncertainty import covered, curves, hits


def _drawn(log_odds: np.ndarray, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(log_odds)) < expit(log_odds)).astype(float)


def test_platt_undoes_overconfidence() -> None:
    true = np.random.default_rng(0).normal(-2, 1, 20_000)
    undone = curve("platt", 2 * true + 1, _drawn(true))
    assert undone.numbers == pytest.approx((0.5, -0.5), abs=0.05)


def test_a_handful_of_leavers_moves_only_the_level() -> None:
    few = curve("platt", np.full(1000, -1.0), np.array([1.0] * 5 + [0.0] * 995))
    assert few.numbers[0] == 1
    assert few(np.array([-1.0]))[0] == pytest.approx(0.005, abs=0.001)


@pytest.mark.parametrize("kind", KINDS)
def test_every_curve_rises_with_the_score_and_survives_its_file(kind: str) -> None:
    true = np.random.default_rng(1).normal(-2, 1, 5000)
    fitted = curve(kind, 1.5 * true, _drawn(true))
    steps = fitted(np.linspace(-9, 5, 2000))
    assert (np.diff(steps) >= 0).all() and steps.min() >= 0 and steps.max() <= 1
    kept = Calibration.read({"whole": {"kind": fitted.kind, "numbers": list(fitted.numbers)}, "stages": {}})
    assert (kept(true) == fitted(true)).all()


def test_a_score_that_ranks_backwards_gets_no_falling_curve() -> None:
    true = np.random.default_rng(2).normal(-1, 1, 4000)
    for kind in ("platt", "beta"):
        assert curve(kind, -true, _drawn(true)).numbers[0] == 1


def test_a_bent_truth_calls_for_another_curve_than_platt_s() -> None:
    score = np.random.default_rng(3).uniform(-6, 3, 40_000)
    bent = np.where(score > 0, 2.5, -4.0)  # a step, which no sigmoid of the score can follow
    schools = np.random.default_rng(4).integers(0, 40, len(score))
    assert calibrate(score, _drawn(bent), None, schools).whole.kind == "isotonic"
    assert calibrate(score, _drawn(score), None, schools).whole.kind == "platt"


def test_a_stage_with_leavers_enough_has_its_own_curve() -> None:
    draw = np.random.default_rng(5)
    score, stage = draw.normal(-2, 1, 20_000), draw.choice(["primary", "lower", ""], 20_000)
    left = _drawn(score + np.where(stage == "primary", -1.0, 0.5), seed=6)
    fitted = calibrate(score, left, stage)
    for name in ("primary", "lower", ""):
        mine = stage == name
        tolerance = 0.1 if name else 0.35  # without a stage there is the curve of all
        assert fitted(score, stage)[mine].sum() == pytest.approx(left[mine].sum(), rel=tolerance)


def test_stages_follow_the_grades() -> None:
    grades = pd.Series(["อ.2", "ป.6", "ม.1", "ม.3", "ม.4", "ปวช.3", None])
    assert stage_of(grades).tolist() == ["primary", "primary", "lower", "lower", "upper", "upper", ""]


def test_a_small_school_s_rate_is_drawn_to_the_average() -> None:
    rows = pd.DataFrame(
        {"main_school_id": ["big"] * 1000 + ["small"] * 10, "left": [0.0] * 900 + [1.0] * 100 + [1.0] * 10}
    )
    rates = school_rates(rows)
    assert rates(pd.Series(["big", "small", "new"])) == pytest.approx(
        [(100 + 100 * 110 / 1010) / 1100, (10 + 100 * 110 / 1010) / 110, 110 / 1010]
    )


def _schools(between: float, seed: int, schools: int = 200, size: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(seed)
    school = np.repeat(np.arange(schools), size)
    score = draw.normal(-2.5, 0.8, len(school))
    own = draw.normal(0, between, schools) if between else np.zeros(schools)
    left = (draw.random(len(score)) < expit(score + own[school])).astype(float)
    return pd.DataFrame({"main_school_id": school.astype(str), "left": left}), expit(score)


def test_levels_find_how_far_schools_differ_and_draw_the_unsure_ones_in() -> None:
    rows, chance = _schools(0.5, seed=7)
    found = levels(rows, chance)
    assert found.between == pytest.approx(0.5, abs=0.1)
    assert found.spread(pd.Series(["0", "never seen"]))[1] == found.between
    assert found.shift(pd.Series(["never seen"]))[0] == 0
    assert np.std([mean for mean, _ in found.schools.values()]) < found.between


def test_schools_that_differ_by_chance_alone_keep_the_model_s_word() -> None:
    rows, chance = _schools(0.0, seed=8)
    assert levels(rows, chance).between < 0.12
    assert levels(rows.iloc[:0], chance[:0]) == Levels()


def test_the_interval_of_a_list_holds_what_happens_nine_times_in_ten() -> None:
    rows, chance = _schools(0.4, seed=9)
    level = levels(rows, chance)
    drawn = curves(chance, rows["left"].to_numpy(), rows["main_school_id"].to_numpy())
    held = np.zeros(2)
    for seed in range(10, 16):  # next years of schools nobody has seen, by the same process
        later, risk = _schools(0.4, seed=seed, size=120)
        names = later["main_school_id"].to_numpy()
        found = hits(risk, names, names, np.full(len(risk), level.between), drawn)
        seen = covered(found, later.groupby("main_school_id")["left"].sum())
        held += seen["covered"], seen["lists"]
    assert 0.87 <= held[0] / held[1] <= 0.955  # counts are whole: an interval holds a little more than 90 %


def test_a_list_s_interval_is_the_same_every_time_and_holds_the_expected() -> None:
    risk, names = np.array([0.5] * 20 + [0.01] * 20), np.repeat(["a", "b"], 20)
    one, other = (hits(risk, names, names, np.zeros(40), curves(risk, np.zeros(40), names)) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert one.loc["a", "expected"] == pytest.approx(10)
    assert one.loc["a", "low"] <= 10 <= one.loc["a", "high"] and one.loc["b", "low"] == 0
