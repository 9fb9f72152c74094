"""The watch: it sees what moved, is quiet about chance and the season, and stops nonsense with a sentence."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from made_panel import panel

from features.registry import MODEL_FEATURES
from models.watch import (
    Drift,
    calibration_since,
    drift,
    drift_sentences,
    psi,
    reference,
    refuse,
    since_sentences,
)
from raksa.errors import RaksaError
from raksa.settings import Settings

SETTINGS = Settings()
AREAS = ("991", "992")


def rows(as_of: str, count: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Made-up learners on a date, twelve schools in two areas, all of whom can be scored."""
    found, draw = panel(count, seed), np.random.default_rng(seed)
    found["income_per_head"] = np.exp(draw.normal(7.8, 0.6, count))
    day = pd.Timestamp(as_of)
    found["days_into_year"] = float((day - pd.Timestamp(f"{day.year}-05-16")).days)
    if day.month > 8 or day.day > 14:  # mid-term marks are given out on 15 August
        found["midterm_percent"] = draw.normal(60, 12, count)
    school = found["main_school_id"].astype(int)
    found["school_size"] = 100.0 + 50 * school
    return found.assign(
        school_id=found["main_school_id"],
        area_id=np.where(school < 6, *AREAS),
        as_of=day,
        academic_year=day.year + 543,
        grade_level=8.0,
        floating=False,
        last_mark=day - pd.Timedelta(days=1),
        recorded_share_28d=1.0,
    )


@pytest.fixture(scope="module")
def past() -> dict[str, object]:
    """Two years, two panel days each."""
    days = ("2024-08-03", "2024-09-14", "2025-08-03", "2025-09-14")
    made = [rows(day, seed=n) for n, day in enumerate(days)]
    return reference(pd.concat(made, ignore_index=True), MODEL_FEATURES, by_area=True)


def moved(found: list[Drift]) -> list[str]:
    return [one.feature for one in found if one.moved]


# ---------------------------------------------------------------------------------------------------- what it was like
def test_the_index_by_hand() -> None:
    p, q = np.array([0.75, 0.25]), np.array([0.25, 0.75])
    assert psi([75e6, 25e6], [25e6, 75e6]) == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=1e-6)
    assert psi([10, 20], [10, 20]) == 0 and np.isfinite(psi([10, 0], [0, 10]))


def test_a_reference_goes_through_json_and_counts_every_learner(past) -> None:
    held = json.loads(json.dumps(past))
    assert (held["year"], sorted(held["days"])) == (2568, ["08-03", "09-14"])
    september = held["days"]["09-14"]
    assert september["nodes"]["poverty_class"] == [0, 1, 2]  # few-valued: by value
    whole = september["areas"]["*"]
    for name in MODEL_FEATURES:
        assert sum(whole["counts"][name]) == pytest.approx(1500, abs=0.5), name
        in_areas = sum(sum(september["areas"][area]["counts"][name]) for area in AREAS)
        assert in_areas == pytest.approx(1500, abs=0.5), name
    newest = rows("2025-09-14", seed=3)["poverty_class"]
    assert whole["counts"]["poverty_class"] == [newest.isna().sum(), 0, *newest.value_counts().sort_index(), 0]
    assert held["features"]["grade_average"]["middle"] == pytest.approx(2.5, abs=0.1)


def test_who_could_not_be_scored_is_counted_and_not_learned_from() -> None:
    year = rows("2025-09-14")
    stopped = year.assign(
        cannot_score=np.where(np.arange(1500) < 300, "no_attendance", None),
        grade_average=np.where(np.arange(1500) < 300, 99.0, year["grade_average"]),
    )
    held = reference(stopped, ["grade_average"])
    of_all = held["days"]["09-14"]["areas"]["*"]
    assert (of_all["learners"], of_all["not_scored"]) == (1500, 300)
    assert held["features"]["grade_average"]["high"] <= 4


# ------------------------------------------------------------------------------------------------------- what is now
def test_another_year_of_the_same_moves_nothing(past) -> None:
    for day in ("2026-08-03", "2026-08-20", "2026-09-30"):  # on, between and after panel days
        assert moved(drift(past, rows(day, seed=20))) == []


def test_thirty_learners_of_the_same_move_nothing_though_the_convention_alone_would_say_so(past) -> None:
    found = [drift(past, rows("2026-09-14", 30, seed)) for seed in range(40, 60)]
    assert sum(one.psi > 0.1 for run in found for one in run) > 20
    assert sum(bool(moved(run)) for run in found) <= 2


def test_marks_and_grades_that_go_missing_are_seen(past) -> None:
    now = rows("2026-09-14", seed=21)
    lost = np.random.default_rng(0).random(len(now)) < 0.25
    found = drift(past, now.assign(grade_average=now["grade_average"].where(~lost)))
    assert moved(found) == ["grade_average"]
    assert (found[0].missing_before, found[0].missing_now) == (0, pytest.approx(0.25, abs=0.03))


def test_an_area_is_held_against_its_own_past(past) -> None:
    now = rows("2026-09-14", seed=22)
    here = now["area_id"] == AREAS[0]
    now["grade_average"] = np.where(here, np.clip(now["grade_average"] - 1, 0, 4), now["grade_average"])
    assert moved(drift(past, now, AREAS[0])) == ["grade_average"]
    assert moved(drift(past, now, AREAS[1])) == []
    with pytest.raises(RaksaError, match=r"holds no area '993'"):
        drift(past, now, "993")


def test_one_day_of_107_is_no_other_absence_than_one_of_109() -> None:
    days = np.random.default_rng(0).binomial(20, 0.1, 5000)
    then, now = rows("2025-09-14", 5000), rows("2026-09-14", 5000)
    held = reference(then.assign(absent_rate_year=days / 109), ["absent_rate_year"])
    fewer, longer, worse = (
        drift(held, now.assign(absent_rate_year=away))[0] for away in (days / 107, days / 111, (days + 1) / 107)
    )
    assert max(fewer.psi, longer.psi) < 0.02
    assert worse.moved


def test_twelve_schools_that_vary_are_twelve_facts_and_not_1500() -> None:
    each = np.random.default_rng(0).normal(0, 0.02, (2, 12))
    then, now = (
        rows(f"{2025 + n}-09-14", seed=n).assign(school_season=lambda r, n=n: each[n][r["school_id"].astype(int)])
        for n in range(2)
    )
    found = drift(reference(then, ["school_season"]), now)[0]
    assert found.psi > 0.25 and not found.moved


def test_what_a_year_usually_does_is_no_drift() -> None:
    years = [rows(f"{2024 + n}-09-14", seed=n).assign(grade_spread=0.5 + 0.5 * n) for n in range(3)]
    held = reference(pd.concat(years[:2]), ["grade_spread"])
    usual = drift(held, years[2])[0]
    assert usual.psi > 0.25 and not usual.moved
    assert reference(years[1], ["grade_spread"])["days"]["09-14"]["areas"]["*"]["usual"] == {}
    assert drift(reference(years[1], ["grade_spread"]), years[2])[0].moved


def test_in_march_there_is_no_day_to_compare_with(past) -> None:
    assert drift(past, rows("2027-03-20")) == []
    assert "cannot be told" in drift_sentences([])[0][1]


def test_the_risk_itself_is_watched() -> None:
    then, now = rows("2025-09-14"), rows("2026-09-14", seed=5)
    held = reference(then.assign(risk=then["absent_rate_28d"]), ["grade_average"])
    assert moved(drift(held, now.assign(risk=now["absent_rate_28d"]))) == []
    assert moved(drift(held, now.assign(risk=now["absent_rate_28d"] + 0.3))) == ["risk"]


# ------------------------------------------------------------------------------------------------- what is not scored
def test_an_ordinary_week_is_scored(past) -> None:
    refuse(past, rows("2026-09-20", seed=30), SETTINGS)


@pytest.mark.parametrize(
    ("feature", "times", "says"),
    [
        ("income_per_head", 12, "'income_per_head' are above .* another unit"),  # a year's for a month's
        ("grade_average", 25, "'grade_average' are above .* another unit"),  # percent
        ("absent_rate_year", 100, "'absent_rate_year' are above .* another unit"),
        ("income_per_head", 1 / 30, "'income_per_head' are below .* another unit"),
    ],
)
def test_another_unit_is_refused(past, feature: str, times: float, says: str) -> None:
    now = rows("2026-09-14", seed=31)
    with pytest.raises(RaksaError, match=says):
        refuse(past, now.assign(**{feature: now[feature] * times}), SETTINGS)


def test_a_few_stray_values_pass_and_many_do_not(past) -> None:
    now = rows("2026-09-14", seed=32)
    at = np.arange(len(now))
    refuse(past, now.assign(grade_average=np.where(at < 10, 72.0, now["grade_average"])), SETTINGS)
    with pytest.raises(RaksaError, match=r"2% of the values of 'grade_average' lie outside 0 to 4 .* up to 72"):
        refuse(past, now.assign(grade_average=np.where(at < 30, 72.0, now["grade_average"])), SETTINGS)


def test_a_missing_feature_is_named(past) -> None:
    with pytest.raises(RaksaError, match="reads 'runs_5'"):
        refuse(past, rows("2026-09-14").drop(columns="runs_5"), SETTINGS)


def test_when_hardly_any_marks_came_the_last_lists_stand_and_half_is_enough(past) -> None:
    now = rows("2026-09-14", seed=33)
    for silent, refused in ((0.5, False), (0.9, True)):
        some = now.assign(last_mark=now["last_mark"].where(np.arange(len(now)) >= silent * len(now)))
        if refused:
            with pytest.raises(RaksaError, match=r"Only 150 of 1,500 .*no attendance marks have .* \(1,350\)"):
                refuse(past, some, SETTINGS)
        else:
            refuse(past, some, SETTINGS)


def test_a_quarter_of_the_features_far_off_is_refused(past) -> None:
    now = rows("2026-09-14", seed=34)
    unknown = [name for name in MODEL_FEATURES if now[name].isna().all()]
    few, many = (now.assign(**dict.fromkeys(unknown[:n], 0.5)) for n in (5, 30))
    refuse(past, few, SETTINGS)
    with pytest.raises(RaksaError, match=r"30 of .* features look unlike the training years"):
        refuse(past, many, SETTINGS)


def test_refusals_are_one_sentence_with_what_to_do(past) -> None:
    now = rows("2026-09-14", seed=35)
    with pytest.raises(RaksaError) as refused:
        refuse(past, now.assign(income_per_head=now["income_per_head"] * 12), SETTINGS)
    assert str(refused.value).endswith("Correct the mapping of its file and import it again.")


def test_drift_is_said_in_both_languages(past) -> None:
    now = rows("2026-09-14", seed=36)
    quiet = drift_sentences(drift(past, now))
    loud = drift_sentences(drift(past, now.assign(grade_average=np.nan)))
    assert len(quiet) == 1 and "None of the" in quiet[0][1] and "ไม่ต่างจากปีก่อน" in quiet[0][0]
    assert "not known 100% (year before 0%)" in loud[1][1] and "เกรดเฉลี่ย" in loud[1][0]


# --------------------------------------------------------------------------------------------------- what came of it
BY = date(2025, 6, 10)


def scored(count: int = 4000, true: float = 1.0, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A run of two areas of forty schools, and what came of it: in area 992 `true` times the leavers foreseen."""
    draw = np.random.default_rng(seed)
    school = draw.integers(0, 80, count)
    area, risk = np.where(school < 40, *AREAS), draw.beta(1, 9, count)
    left = draw.random(count) < np.where(area == AREAS[1], true, 1.0) * risk
    score = pd.DataFrame(
        {
            "learner_id": np.arange(count),
            "area_id": area,
            "school_id": school.astype(str),
            "risk": risk,
            "listed": risk > 0.25,
        }
    )
    return score, pd.DataFrame({"learner_id": np.arange(count)[::-1], "left": left[::-1].astype(float)})


def test_until_the_horizon_has_passed_nothing_is_said() -> None:
    early = calibration_since(*scored(), BY, BY)
    assert np.isnan([one.ratio for one in early]).all()
    assert since_sentences(early) == [
        ("ยังบอกไม่ได้ ต้องรอจนพ้นวันที่ 10/06/2568", "Cannot tell yet: wait until 2025-06-10 is over.")
    ]


def test_foreseen_against_seen_by_area() -> None:
    score, outcome = scored(true=1.6)
    whole, one, other = calibration_since(score, outcome, BY, date(2025, 8, 1))
    assert [(r.area, r.unknown) for r in (whole, one, other)] == [(None, 0), ("991", 0), ("992", 0)]
    assert whole.foreseen == pytest.approx(score["risk"].sum()) and whole.left == outcome["left"].sum()
    assert whole.listed == score["listed"].sum()
    assert one.low < 1 < one.high and other.low > 1.2 and other.low < other.ratio < other.high
    said = since_sentences([whole, one, other])
    assert len(said) == 2
    assert said[1][1].startswith("Area 992:") and "more left than foreseen" in said[1][1]
    assert said[1][0].startswith("เขต 992:") and "ออกมากกว่าที่คาดไว้" in said[1][0]


def test_the_interval_narrows_with_more_schools_and_learners() -> None:
    few, many = (calibration_since(*scored(n), BY, date(2025, 8, 1))[0] for n in (1500, 12_000))
    assert many.high - many.low < 0.6 * (few.high - few.low)


def test_before_the_new_lists_only_leavers_are_known_and_that_tells_nothing() -> None:
    score, outcome = scored()
    outcome["left"] = outcome["left"].where(outcome["left"] == 1)  # who stayed is not on a list yet
    whole = calibration_since(score, outcome, BY, date(2025, 6, 20))[0]
    assert np.isnan(whole.ratio) and whole.unknown == 4000 - whole.learners
    assert "outcome of" in whole.why_not[1] and "ทราบผลเพียง" in whole.why_not[0]


def test_unknown_outcomes_are_counted_and_are_not_stayers() -> None:
    score, outcome = scored()
    whole = calibration_since(score, outcome.iloc[::10], BY, date(2025, 8, 1))[0]
    assert (whole.learners, whole.unknown, whole.why_not is None) == (400, 3600, False)
    most = calibration_since(score, outcome.iloc[400:], BY, date(2025, 8, 1))[0]
    assert (most.learners, most.unknown) == (3600, 400)
    assert most.ratio == pytest.approx(1, abs=0.15)


def test_who_was_not_scored_is_not_foreseen_to_stay() -> None:
    score, outcome = scored()
    score.loc[:499, "risk"] = np.nan
    assert calibration_since(score, outcome, BY, date(2025, 8, 1))[0].learners == 3500


def test_three_schools_are_too_few_to_tell() -> None:
    score, outcome = scored()
    score["school_id"] = (score["learner_id"] % 3).astype(str)
    assert calibration_since(score, outcome, BY, date(2025, 8, 1))[0].why_not[1] == "Too few to tell: 3 schools."
