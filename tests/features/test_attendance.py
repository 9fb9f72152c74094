"""What the attendance features say about children whose marks we know, and against a loop that counts by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_register import SETTINGS, listed, page, register, school_days

from features import kernel
from features.attendance import attendance
from features.build import build
from features.cohort import cohort
from raksa.tables import ABSENT, LATE, LEAVE, NO_SCHOOL, NOT_RECORDED, SICK

MALI, KONG, BAIBUA = 11, 12, 13
OPENING = date(2024, 5, 16)


def features_of(home: Path, as_of: date, *pages: dict[str, object]) -> pd.DataFrame:
    store = register(home, enrolment=[listed(n, OPENING) for n in (MALI, KONG, BAIBUA)], roll=list(pages))
    return build(store, SETTINGS, as_of).set_index("learner_id")


def test_mali_missed_eight_of_twenty_days(tmp_path: Path) -> None:
    twenty = school_days(2567, 20)
    marks = (
        dict.fromkeys(twenty, "P") | dict.fromkeys(twenty[:5], "A") | {twenty[8]: "S", twenty[9]: "L", twenty[19]: "A"}
    )
    mali = features_of(tmp_path, twenty[-1] + timedelta(days=1), page(MALI, 2567, marks)).loc[MALI]
    assert mali["absent_rate_28d"] == pytest.approx(0.4)
    assert mali["unexcused_rate_28d"] == pytest.approx(0.3)
    assert (mali["longest_absence"], mali["current_absence"]) == (5, 1)
    assert (mali["absent_days_year"], mali["recorded_days_year"]) == (8, 20)


def test_a_day_nobody_recorded_is_not_an_absence_and_does_not_end_a_run(tmp_path: Path) -> None:
    days = school_days(2567, 6)
    marks = dict(zip(days, ["P", "A", "-", "A", "A", "P"], strict=True))
    kong = features_of(tmp_path, days[-1] + timedelta(days=3), page(KONG, 2567, marks)).loc[KONG]
    assert (kong["recorded_days_year"], kong["absent_days_year"], kong["longest_absence"]) == (5, 3, 3)
    assert kong["current_absence"] == 0


def test_late_counts_as_attended(tmp_path: Path) -> None:
    days = school_days(2567, 4)
    kong = features_of(tmp_path, days[-1] + timedelta(days=1), page(KONG, 2567, "TTPP")).loc[KONG]
    assert (kong["absent_rate_year"], kong["late_rate_28d"]) == (0, 0.5)


def test_a_child_without_a_page_has_no_rate_rather_than_a_good_one(tmp_path: Path) -> None:
    baibua = features_of(tmp_path, date(2024, 7, 1), page(MALI, 2567, "PPP")).loc[BAIBUA]
    assert baibua[["absent_rate_28d", "absent_rate_year", "longest_absence"]].isna().all()


def test_a_move_does_not_reset_the_absences(tmp_path: Path) -> None:
    days = school_days(2567, 40)
    old = page(MALI, 2567, dict.fromkeys(days[:20], "A"))
    new = page(MALI, 2567, dict.fromkeys(days[20:], "P"), school_id="99010002")
    mali = features_of(tmp_path, days[-1] + timedelta(days=1), old, new).loc[MALI]
    assert mali["absent_rate_year"] == pytest.approx(0.5)


def test_last_year_stays_apart(tmp_path: Path) -> None:
    mali = features_of(tmp_path, date(2024, 7, 1), page(MALI, 2566, "AP" * 50), page(MALI, 2567, "PPPP")).loc[MALI]
    assert (mali["absent_rate_year"], mali["absent_rate_last_year"]) == (0, 0.5)


MARKS = "PTSLAV-."


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(MARKS, min_size=120, max_size=120), min_size=1, max_size=5),
    st.lists(st.integers(0, 120), min_size=1, max_size=4, unique=True),
    st.integers(0, 6),
)
def test_the_pass_over_days_agrees_with_counting_by_hand(pages: list[str], stops: list[int], weekday: int) -> None:
    block = np.array([[ord(m) for m in held] for held in pages], np.uint8)
    for stop, found in zip(stops, kernel.count(block, stops, weekday), strict=True):
        for row, held in enumerate(pages):
            marks = held[:stop]
            run = longest = three = five = 0
            for mark in marks:
                if mark in (NOT_RECORDED, NO_SCHOOL):
                    continue
                run = run + 1 if mark in (ABSENT, SICK, LEAVE) else 0
                longest, three, five = max(longest, run), three + (run == 3), five + (run == 5)
            runs = [found[name][row] for name in ("longest_absence", "current_absence", "runs_3", "runs_5")]
            assert runs == [longest, run, three, five]
            for window, days in (("14d", 14), ("28d", 28), ("56d", 56), ("84d", 84), ("year", 120)):
                seen = marks[max(stop - days, 0) :]
                assert {k: found[f"{k}_days_{window}"][row] for k in by_hand(seen)} == by_hand(seen)
            for week in range(1, kernel.WEEKS + 1):
                seen = marks[max(stop - 7 * week, 0) : max(stop - 7 * week + 7, 0)]
                counts = {kind: found[f"{kind}_week_{week}"][row] for kind in ("recorded", "absent")}
                assert counts == {kind: by_hand(seen)[kind] for kind in counts}
            edge = "".join(m for day, m in enumerate(marks) if (weekday + day) % 7 in (0, 4))
            counts = {kind: found[f"{kind}_days_edge"][row] for kind in ("recorded", "absent")}
            assert counts == {kind: by_hand(edge)[kind] for kind in counts}
            beside = beside_holidays(marks, weekday)
            counts = {kind: found[f"{kind}_days_holiday"][row] for kind in ("recorded", "absent")}
            assert counts == {kind: by_hand(beside)[kind] for kind in counts}
            said = [day for day, mark in enumerate(marks) if mark not in (NOT_RECORDED, NO_SCHOOL)]
            assert found["last_mark"][row] == max(said, default=-1)
            recent = marks[max(stop - kernel.RECENT, 0) :][::-1]
            for name, words in (("recorded_bits", "PTSLAV"), ("absent_bits", "ASL")):
                assert found[name][row] == sum(1 << n for n, mark in enumerate(recent) if mark in words)


def by_hand(seen: str) -> dict[str, int]:
    return {
        "recorded": sum(m not in "-." for m in seen), "absent": sum(m in "ASL" for m in seen),
        "unexcused": seen.count(ABSENT), "late": seen.count(LATE), "sick": seen.count(SICK),
        "leave": seen.count(LEAVE), "open": len(seen) - seen.count(NO_SCHOOL),
    }  # fmt: skip


def beside_holidays(marks: str, weekday: int) -> str:
    """Marks of open weekdays of which the weekday before or after is closed, as far as both have come."""
    days = [day for day in range(len(marks)) if (weekday + day) % 7 < 5]
    closed = [marks[day] == NO_SCHOOL for day in days]
    return "".join(
        marks[day]
        for n, day in enumerate(days)
        if not closed[n] and ((n > 0 and closed[n - 1]) or (n + 1 < len(days) and closed[n + 1]))
    )


def test_a_school_open_every_day_of_the_year_is_counted_right() -> None:
    pages = np.full((3, 366), ord("P"), np.uint8)
    pages[1] = ord("A")
    (found,) = kernel.count(pages, [366], 3)
    assert list(found["recorded_days_year"]) == [366] * 3
    assert list(found["absent_days_year"]) == list(found["longest_absence"]) == [0, 366, 0]


def test_features_come_in_the_cohort_s_order(tmp_path: Path) -> None:
    store = register(
        tmp_path,
        enrolment=[listed(n, OPENING) for n in (KONG, MALI)],
        roll=[page(KONG, 2567, "AAAA"), page(MALI, 2567, "PPPP")],
    )
    who = cohort(store, SETTINGS, date(2024, 7, 1))
    assert list(who["learner_id"]) == [MALI, KONG]
    assert list(attendance(store, SETTINGS, who, date(2024, 7, 1))["absent_rate_year"]) == [0, 1]
