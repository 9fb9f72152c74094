"""Grades, home, growth, age and moves, each from rows whose answer is plain."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_register import SETTINGS, listed, page, register

from features.build import NAMES, PLACE, build
from features.readiness import cannot_score
from features.registry import BY_NAME, FEATURES, MODEL_FEATURES
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
    assert found["bmi"] == pytest.approx(45 / 1.56**2, abs=0.01)
    assert found["height_gain"] == pytest.approx(6.0, abs=0.05)


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


def test_every_registered_feature_is_built_within_its_range(tmp_path: Path) -> None:
    store = register(tmp_path, enrolment=[listed(1, JUNE)], roll=[page(1, 2567, "PATSLV" * 20)])
    rows = build(store, SETTINGS, AS_OF)
    assert list(rows.columns) == [*PLACE, *NAMES]
    for feature in FEATURES:
        value = rows[feature.name].iloc[0]
        assert np.isnan(value) or (feature.low is None or value >= feature.low), feature.name
        assert np.isnan(value) or (feature.high is None or value <= feature.high), feature.name


def test_no_feature_reads_names_or_section_26_data() -> None:
    sensitive = {c.name for t in ("sensitive", "identity") for c in REGISTER[t].columns} - {
        "learner_id",
        "known_on",
        "source",
    }
    assert not sensitive & set(BY_NAME)
    assert not {"sensitive", "identity", "identity_alias"} & set(SIGNALS)
    read = [p.read_text(encoding="utf-8") for p in Path("features").glob("*.py")]
    assert not [t for t in ("sensitive", "identity", "identity_alias") if any(f'"{t}"' in text for text in read)]
    assert len(MODEL_FEATURES) >= 25
