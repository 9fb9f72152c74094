"""Grades, home, growth, age and moves, each from rows whose answer is plain."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_register import SETTINGS, listed, page, register

from features.build import NAMES, PLACE, build
from features.growth import z_score
from features.readiness import cannot_score
from features.registry import BY_NAME, FEATURES, MODEL_FEATURES
from features.rows import Held
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import REGISTER, SIGNALS

MALI = 11
JUNE, AS_OF = date(2024, 6, 10), date(2024, 12, 2)


def result(subject: str, grade: str, known_on: date, term: int = 1, year: int = 2567, **more: Any) -> dict[str, Any]:
    return {
        "learner_id": MALI,
        "school_id": "99010001",
        "academic_year": year,
        "term": term,
        "subject": subject,
        "part": "final",
        "learning_area": subject[0],
        "credits": 1.0,
        "grade": grade,
        "known_on": known_on,
        **more,
    }


def mali(home: Path, **tables: list[dict[str, Any]]) -> pd.Series:
    store = register(home, **{"enrolment": [listed(MALI, JUNE)], **tables})
    return build(store, SETTINGS, AS_OF).set_index("learner_id").loc[MALI]


def test_grade_average_weighs_by_credit_and_change_compares_with_what_came_before(tmp_path: Path) -> None:
    found = mali(
        tmp_path,
        result=[
            result("ค22101", "4", date(2024, 4, 14), term=2, year=2566, credits=3.0),
            result("ท22101", "2", date(2024, 10, 24)),
            result("ค22102", "1", date(2024, 10, 24)),
        ],
    )
    assert found["grade_average"] == pytest.approx((4 * 3 + 2 + 1) / 5)
    assert (found["grade_latest"], found["grade_change"]) == (1.5, -2.5)
    assert found["grade_lowest_area"] == 2.0


def test_an_open_result_closes_when_the_re_sit_is_known(tmp_path: Path) -> None:
    zero = result("ค22101", "0", date(2024, 10, 24))
    incomplete = result("ท22101", "ร", date(2024, 10, 24))
    found = mali(tmp_path, result=[zero, incomplete])
    assert (found["open_results"], found["open_share"], found["open_latest"]) == (2, 1, 1)
    passed = result("ค22101", "1", date(2024, 11, 20))
    again = mali(tmp_path / "b", result=[zero, incomplete, passed])
    assert (again["open_results"], again["open_share"], again["open_latest"]) == (1, 0.5, 0)


def test_no_results_is_not_a_bad_average(tmp_path: Path) -> None:
    found = mali(tmp_path)
    assert found[[f.name for f in FEATURES if f.family == "grades"]].isna().all()


def test_home_reads_the_latest_screening_and_its_age(tmp_path: Path) -> None:
    old = {
        "learner_id": MALI,
        "surveyed_on": date(2022, 6, 1),
        "known_on": date(2022, 7, 1),
        "poverty_class": "not_poor",
    }
    new = {
        "learner_id": MALI,
        "surveyed_on": date(2024, 6, 1),
        "known_on": date(2024, 7, 1),
        "poverty_class": "extremely_poor",
        "lives_with": "relatives",
        "distance_km": 7.5,
    }
    found = mali(tmp_path, household=[old, new])
    assert (found["poverty_class"], found["away_from_parents"], found["distance_km"]) == (2, 2, 7.5)
    assert found["survey_age"] == (AS_OF - date(2024, 6, 1)).days
    assert np.isnan(found["income_per_head"])


def test_over_age_growth_and_moves(tmp_path: Path) -> None:
    found = mali(
        tmp_path,
        enrolment=[listed(MALI, date(2023, 6, 10), school_id="99010002", grade="ม.1"), listed(MALI, JUNE)],
        learner=[{"learner_id": MALI, "known_on": JUNE, "sex": "female", "birth_date": date(2009, 5, 16)}],
        growth=[
            {
                "learner_id": MALI,
                "measured_on": date(2023, 6, 10),
                "known_on": JUNE,
                "weight_kg": 40.0,
                "height_cm": 150.0,
            },
            {"learner_id": MALI, "measured_on": JUNE, "known_on": JUNE, "weight_kg": 45.0, "height_cm": 156.0},
        ],
    )
    assert found["over_age"] == pytest.approx(15.0 - (5.5 + 8), abs=0.01)
    assert found["moves"] == 1
    # Measured at 15 years and 25 days: 45 kg and 156 cm are a body mass index of 18.5, the girls' median is 20.2.
    assert found["bmi_for_age"] == pytest.approx(-0.69, abs=0.05)
    assert found["height_for_age"] == pytest.approx(-0.83, abs=0.05)
    assert found["height_gain"] == pytest.approx(6.0, abs=0.05)


# From the printed tables of the WHO growth reference 2007 (z-scores, simplified field tables), rounded there to 0.1.
@pytest.mark.parametrize(
    ("measure", "sex", "years", "value", "deviations"),
    [
        ("height", "female", 10, 138.6, 0),
        ("height", "female", 10, 145.0, 1),
        ("height", "male", 10, 125.0, -2),
        ("height", "male", 19, 176.5, 0),
        ("bmi", "female", 10, 19.0, 1),
        ("bmi", "male", 10, 13.7, -2),
        ("bmi", "female", 19, 29.7, 2),
        ("bmi", "male", 19, 25.4, 1),
    ],
)
def test_growth_is_read_from_the_who_reference(
    measure: str, sex: str, years: int, value: float, deviations: float
) -> None:
    sexes, months = np.array([{"female": 0.0, "male": 1.0}[sex]]), np.array([years * 12.0])
    assert z_score(measure, sexes, months, np.array([value])) == pytest.approx(deviations, abs=0.05)


def test_growth_is_not_read_off_the_reference_s_edge(tmp_path: Path) -> None:
    """Five to nineteen years: not at four, not at twenty, not for whom sex or birth are not known."""
    found = {
        name: mali(
            tmp_path / name,
            learner=[{"learner_id": MALI, "known_on": JUNE, "sex": sex, "birth_date": born}],
            growth=[{"learner_id": MALI, "measured_on": JUNE, "known_on": JUNE, "weight_kg": 20.0, "height_cm": 110.0}],
        )[["height_for_age", "bmi_for_age"]].notna().all()
        for name, sex, born in (
            ("four", "female", date(2020, 6, 1)), ("six", "female", date(2018, 6, 1)),
            ("twenty", "female", date(2004, 6, 1)), ("no sex", None, date(2018, 6, 1)), ("no birth", "female", None),
        )
    }  # fmt: skip
    assert found == {"four": False, "six": True, "twenty": False, "no sex": False, "no birth": False}


def test_who_cannot_be_scored_is_said_with_the_reason(tmp_path: Path) -> None:
    full = "P" * 100
    store = register(
        tmp_path,
        enrolment=[
            listed(1, JUNE),
            listed(2, JUNE, status="floating"),
            listed(3, JUNE),
            listed(4, JUNE),
            listed(5, JUNE, grade="อ.2"),
        ],
        roll=[page(1, 2567, "P" * 120), page(2, 2567, full), page(3, 2567, "P" * 40), page(5, 2567, full)],
    )
    rows = build(store, SETTINGS, AS_OF)
    why = cannot_score(rows, SETTINGS)
    expected = {1: None, 2: "floating", 3: "attendance_stopped", 4: "no_attendance", 5: "not_modelled"}
    assert {n: (None if pd.isna(w) else w) for n, w in zip(rows["learner_id"], why, strict=True)} == expected


def test_a_child_known_to_have_left_is_no_longer_counted(tmp_path: Path) -> None:
    left = {
        "learner_id": 1,
        "school_id": "99010001",
        "left_on": date(2024, 8, 1),
        "known_on": date(2024, 8, 1),
        "cause": "withdrew",
    }
    told_late = {**left, "learner_id": 2, "known_on": date(2024, 12, 5)}
    came_back = {**left, "learner_id": 3}
    store = register(
        tmp_path,
        enrolment=[*(listed(n, JUNE) for n in (1, 2, 3)), listed(3, date(2024, 11, 10))],
        exit=[left, told_late, came_back],
    )
    assert list(build(store, SETTINGS, AS_OF)["learner_id"]) == [2, 3]


def test_a_kindergarten_child_is_listed_marked_and_measured_like_the_others(tmp_path: Path) -> None:
    """Her age is set beside the usual age of อ.2; nothing of her is missing because she is small."""
    found = mali(
        tmp_path,
        enrolment=[listed(MALI, JUNE, grade="อ.2")],
        learner=[{"learner_id": MALI, "known_on": JUNE, "sex": "female", "birth_date": date(2019, 11, 16)}],
        roll=[page(MALI, 2567, "PPPA" * 10)],
    )
    assert found["grade_level"] == -1
    assert found["over_age"] == pytest.approx(4.5 - (5.5 - 1), abs=0.01)
    assert found["absent_rate_year"] == 0.25


def test_every_registered_feature_is_built_under_its_one_name(tmp_path: Path) -> None:
    rows = build(register(tmp_path, enrolment=[listed(1, JUNE)]), SETTINGS, AS_OF)
    assert list(rows.columns) == [*PLACE, *NAMES]
    assert len(set(rows.columns)) == len(rows.columns)
    assert not {*MODEL_FEATURES} - {*NAMES}


# What no file of the demo says: hand-in days, wealth percentiles, and what only lists of courses have.
NOT_IN_THE_DEMO = {"work_days_late", "late_vs_class", "wealth_percentile", "attempts_before", "isced_completed",
                   "credits", "entered_late"}  # fmt: skip


def test_the_demo_s_features_are_there_and_keep_to_their_ranges(demo_settings: Settings) -> None:
    rows = build(Store(demo_settings.home), demo_settings, date(2026, 11, 16))
    assert {f.name for f in FEATURES if rows[f.name].isna().all()} == NOT_IN_THE_DEMO
    for feature in FEATURES:
        least, most = rows[feature.name].min(), rows[feature.name].max()
        assert feature.low is None or not least < feature.low, (feature.name, least)
        assert feature.high is None or not most > feature.high, (feature.name, most)


def test_nothing_known_is_empty_not_zero(tmp_path: Path) -> None:
    """Of a child of whom only a list is known, the list's own figures are all there is."""
    store = register(tmp_path, enrolment=[{**listed(1, JUNE), "grade": None, "room": None}])
    known = build(store, SETTINGS, AS_OF)[NAMES].iloc[0].dropna()
    assert dict(known) == {"days_into_year": (AS_OF - date(2024, 5, 16)).days, "moves": 0, "school_size": 1}


NAMES_AND_SECTION_26 = ("sensitive", "identity", "identity_alias")


class Refusing(Held):
    """A store whose names, numbers and section-26 data cannot be read."""

    def read(self, table: str, **which: Any) -> pa.Table:
        assert table not in NAMES_AND_SECTION_26, f"a feature reads {table}"
        return super().read(table, **which)


def test_no_feature_reads_names_or_section_26_data(demo_settings: Settings, tmp_path: Path) -> None:
    theirs = {c.name for t in NAMES_AND_SECTION_26 for c in REGISTER[t].columns} - {"learner_id", "known_on", "source"}
    assert not theirs & set(BY_NAME)
    assert not {*NAMES_AND_SECTION_26} & set(SIGNALS)
    with pytest.raises(AssertionError, match="reads identity"):
        Refusing(demo_settings.home).read("identity")
    assert len(build(Refusing(demo_settings.home), demo_settings, date(2026, 11, 16))) > 1000


def test_a_register_without_names_gives_the_same_figures(demo_settings: Settings, tmp_path: Path) -> None:
    """Whichever way they might be read: the files themselves are gone."""
    for part in ("register", "store.json", "current.json"):
        source, target = demo_settings.home / part, tmp_path / part
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    was = build(Store(demo_settings.home), demo_settings, date(2026, 11, 16))
    for table in NAMES_AND_SECTION_26:
        assert list((tmp_path / "register" / table).rglob("*.parquet"))
        shutil.rmtree(tmp_path / "register" / table)
    pd.testing.assert_frame_equal(build(Store(tmp_path), demo_settings, date(2026, 11, 16)), was, check_exact=True)
