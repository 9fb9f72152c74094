"""What became of each child: one test for every line of the table in models/outcome.py."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_register import SETTINGS, listed, register

from features.build import build
from models.outcome import outcome
from models.panel import closed_years, horizon, slices

JUNE, AS_OF, BY = date(2024, 6, 10), date(2024, 9, 2), date(2025, 6, 10)
CLOSING = date(2025, 3, 31)
OTHER_SCHOOL, COLLEGE = "99010002", "99130001"
ANOTHER = 900  # a schoolmate, so that the school has sent its list


def became(
    home: Path, *lists: dict[str, Any], exits: list[dict[str, Any]] | None = None, grade: str = "ม.2"
) -> pd.Series:
    """Outcome of learner 1, listed at the start, when the school does send its list of the next June."""
    rows = [listed(1, JUNE, grade=grade), listed(ANOTHER, JUNE), listed(ANOTHER, CLOSING), listed(ANOTHER, BY), *lists]
    store = register(home, enrolment=rows, exit=exits or [])
    who = build(store, SETTINGS, AS_OF)
    found = outcome(store, SETTINGS, who, AS_OF, BY).set_index("learner_id")
    return found.loc[1]


def exit_(cause: str, on: date | None, **more: Any) -> dict[str, Any]:
    return {"learner_id": 1, "school_id": "99010001", "left_on": on, "known_on": on, "cause": cause, **more}


def test_still_on_a_list_next_june(tmp_path: Path) -> None:
    assert became(tmp_path, listed(1, BY, grade="ม.3"))["left"] == 0


def test_a_transfer_found_at_another_school_is_no_leaver(tmp_path: Path) -> None:
    moved = became(tmp_path, listed(1, BY, school_id=OTHER_SCHOOL), exits=[exit_("moved_school", date(2024, 10, 1))])
    assert (moved["left"], moved["evidence"]) == (0, "seen")


def test_a_year_three_pupil_found_at_the_vocational_college_in_july_arrived(tmp_path: Path) -> None:
    found = became(
        tmp_path,
        listed(1, CLOSING, grade="ม.3"),
        listed(1, date(2025, 7, 1), grade="ปวช.1", school_id=COLLEGE),
        exits=[exit_("graduated", CLOSING)],
        grade="ม.3",
    )
    assert found["left"] == 0


def test_a_year_three_pupil_found_nowhere_did_not_arrive(tmp_path: Path) -> None:
    gone = became(tmp_path, listed(1, CLOSING, grade="ม.3"), exits=[exit_("graduated", CLOSING)], grade="ม.3")
    assert (gone["left"], gone["kind"], gone["left_on"]) == (1, "not_arrived", pd.Timestamp(CLOSING))


def test_withdrew_in_november(tmp_path: Path) -> None:
    left = became(tmp_path, exits=[exit_("withdrew", date(2024, 11, 20))])
    assert (left["left"], left["kind"], left["left_on"]) == (1, "in_year", pd.Timestamp(2024, 11, 20))


def test_withdrew_and_came_back_is_no_leaver(tmp_path: Path) -> None:
    assert became(tmp_path, listed(1, BY), exits=[exit_("withdrew", date(2024, 11, 20))])["left"] == 0


def test_on_the_books_but_not_in_class_counts_as_left_during_the_year(tmp_path: Path) -> None:
    floating = became(tmp_path, listed(1, date(2024, 11, 10), status="floating"))
    assert (floating["left"], floating["kind"], floating["evidence"]) == (1, "in_year", "floating")


@pytest.mark.parametrize("cause", ["died", "moved_abroad"])
def test_died_or_abroad_is_not_dropping_out(tmp_path: Path, cause: str) -> None:
    assert became(tmp_path, exits=[exit_(cause, date(2024, 11, 20))])["left"] == 0


def test_finished_the_last_grade(tmp_path: Path) -> None:
    assert became(tmp_path, exits=[exit_("graduated", CLOSING)], grade="ม.6")["left"] == 0


@pytest.mark.parametrize("cause", ["moved_school", "unknown"])
def test_moved_and_never_seen_again_is_unknown_not_zero(tmp_path: Path, cause: str) -> None:
    assert pd.isna(became(tmp_path, exits=[exit_(cause, date(2024, 11, 20))])["left"])


def test_left_on_an_unknown_day_is_unknown(tmp_path: Path) -> None:
    assert pd.isna(became(tmp_path, exits=[exit_("withdrew", None)])["left"])


def test_not_on_the_own_school_s_next_list_without_a_word(tmp_path: Path) -> None:
    quiet = became(tmp_path, listed(1, CLOSING))
    assert (quiet["left"], quiet["kind"], quiet["evidence"]) == (1, "not_arrived", "not_listed")


def test_a_school_that_sent_no_list_says_nothing_about_its_children(tmp_path: Path) -> None:
    store = register(tmp_path, enrolment=[listed(1, JUNE)])
    found = outcome(store, SETTINGS, build(store, SETTINGS, AS_OF), AS_OF, BY)
    assert (pd.isna(found["left"][0]), found["evidence"][0]) == (True, "no_list")


def test_taken_off_the_list_after_the_horizon_was_still_there(tmp_path: Path) -> None:
    store = register(tmp_path, enrolment=[listed(1, JUNE)], exit=[exit_("withdrew", date(2024, 12, 1))])
    who = build(store, SETTINGS, AS_OF)
    assert list(outcome(store, SETTINGS, who, AS_OF, date(2024, 10, 2))["left"]) == [0]


def test_a_year_is_closed_once_the_next_june_list_is_there(tmp_path: Path) -> None:
    open_year = register(tmp_path / "a", enrolment=[listed(1, JUNE)])
    closed = register(tmp_path / "b", enrolment=[listed(1, JUNE), listed(1, BY)])
    assert (closed_years(open_year, SETTINGS), closed_years(closed, SETTINGS)) == ([], [2567])


def test_the_horizon_is_the_next_year_s_june_even_in_may(tmp_path: Path) -> None:
    assert horizon(date(2024, 5, 20), SETTINGS) == BY
    assert horizon(date(2025, 3, 3), SETTINGS) == BY
    assert [s.as_of for s in slices([2567], SETTINGS)] == [
        date(2024, 8, 3),
        date(2024, 9, 14),
        date(2024, 11, 16),
        date(2025, 1, 18),
    ]


@pytest.mark.parametrize(
    ("status", "left"), [("left", 1), ("graduated", 0), ("died", 0), ("leave_of_absence", 0), ("moved", None)]
)
def test_what_a_college_s_own_list_says_of_its_student(tmp_path: Path, status: str, left: int | None) -> None:
    found = became(tmp_path, listed(1, BY, status=status, grade="ปวช.3"), grade="ปวช.3")
    assert (None if pd.isna(found["left"]) else found["left"]) == left
