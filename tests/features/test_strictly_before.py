"""Time is sacred: whatever is recorded on or after the as-of date changes no feature of any learner."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from small_register import SETTINGS, add, listed, page, register, school_days

from features.build import build
from raksa.store import Store

AS_OF = date(2024, 9, 2)
LEARNERS = (11, 12, 13, 14)
BEFORE = date(2024, 6, 10)


def known(home: Path) -> Store:
    days = school_days(2567, 70)
    marks = {11: "P" * 70, 12: "PA" * 35, 13: "PPPPS" * 14, 14: "T" * 70}
    result = [
        {
            "learner_id": n,
            "school_id": "99010001",
            "academic_year": 2566,
            "term": 2,
            "subject": "ค22101",
            "part": "final",
            "learning_area": "ค",
            "credits": 1.5,
            "percent": 50.0 + n,
            "grade": "2",
            "known_on": date(2024, 4, 14),
        }
        for n in LEARNERS
    ]
    return register(
        home,
        enrolment=[listed(n, BEFORE) for n in LEARNERS],
        roll=[page(n, 2567, dict(zip(days, marks[n], strict=True))) for n in LEARNERS],
        learner=[
            {"learner_id": n, "known_on": BEFORE, "sex": "female", "birth_date": date(2011, 1, n)} for n in LEARNERS
        ],
        result=result,
        household=[
            {"learner_id": n, "surveyed_on": BEFORE, "known_on": BEFORE, "poverty_class": "poor"} for n in LEARNERS
        ],
        growth=[
            {"learner_id": n, "measured_on": BEFORE, "known_on": BEFORE, "weight_kg": 40.0, "height_cm": 150.0}
            for n in LEARNERS
        ],
    )


later = st.dates(AS_OF, AS_OF + timedelta(days=200))
learner = st.sampled_from(LEARNERS)


def _mark(n: int, on: date, mark: str) -> tuple[str, dict[str, Any]]:
    return "roll", page(n, 2567 if on < date(2025, 5, 16) else 2568, {on: mark})


def _other(table: str, n: int, on: date) -> tuple[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {
        "enrolment": listed(n, on, status="floating", grade="ม.1"),
        "exit": {"learner_id": n, "school_id": "99010001", "left_on": on, "known_on": on, "cause": "withdrew"},
        "learner": {"learner_id": n, "known_on": on, "sex": "male", "birth_date": date(2005, 1, 1)},
        "result": {
            "learner_id": n,
            "school_id": "99010001",
            "academic_year": 2567,
            "term": 1,
            "subject": "ท22101",
            "part": "final",
            "grade": "0",
            "percent": 10.0,
            "known_on": on,
        },
        "household": {"learner_id": n, "surveyed_on": on, "known_on": on, "poverty_class": "extremely_poor"},
        "growth": {"learner_id": n, "measured_on": on, "known_on": on, "weight_kg": 80.0, "height_cm": 120.0},
    }
    return table, rows[table]


facts = st.one_of(
    st.builds(_mark, learner, later, st.sampled_from("PTSLAV")),
    st.builds(
        _other, st.sampled_from(["enrolment", "exit", "learner", "result", "household", "growth"]), learner, later
    ),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(facts, min_size=1, max_size=12))
def test_nothing_recorded_on_or_after_the_date_moves_a_feature(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        store = known(Path(home))
        was = build(store, SETTINGS, AS_OF)
        for number, (table, row) in enumerate(recorded):
            add(store, str(number), **{table: [row]})
        pd.testing.assert_frame_equal(build(store, SETTINGS, AS_OF), was)


def test_the_day_before_does_move_them(tmp_path: Path) -> None:
    store = known(tmp_path)
    was = build(store, SETTINGS, AS_OF)
    add(store, "late", roll=[page(11, 2567, {date(2024, 8, 30): "A"})])  # the Friday before; a weekend follows
    now = build(store, SETTINGS, AS_OF)
    assert list(was["absent_days_year"]) != list(now["absent_days_year"])
