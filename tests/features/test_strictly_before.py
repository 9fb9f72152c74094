"""Time is sacred: whatever is recorded on or after the as-of date changes no feature of any learner, not by a bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_register import SETTINGS, add, listed, page
from village import (
    DATES,
    DOI_NAM,
    MALI,
    PA_PHAI,
    ROWS,
    THUNG_NA,
    TWO_LISTS,
    Row,
    as_known_on,
    grant,
    left,
    measuring,
    person,
    result,
    screening,
    village,
)

from features.build import build
from raksa import calendar
from raksa.tables import EXIT_CAUSES, SIGNALS

# Tables whose rows carry the day on which they were known. Schools and their holidays are undated, as a map is; a
# holiday counts once it stands on a page.
DATED = [name for name in SIGNALS if name not in ("school", "holiday")]


def the_same(was: pd.DataFrame, now: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(now, was, check_exact=True)


@pytest.mark.parametrize("as_of", DATES, ids=str)
def test_the_village_looks_as_it_did_on_that_morning(tmp_path: Path, as_of: date) -> None:
    """Built at the end of the year, and from a register in which nothing of the date or later was written down yet."""
    whole = build(village(tmp_path / "whole"), SETTINGS, as_of)
    the_same(build(village(tmp_path / "then", as_known_on(ROWS, as_of)), SETTINGS, as_of), whole)
    assert len(whole)


learner = st.integers(MALI, TWO_LISTS)
school = st.sampled_from([THUNG_NA, PA_PHAI, DOI_NAM])
# How long after the date a thing was known; what it is about may lie before the date, as that which is told late does.
after = st.sampled_from([0, 1]) | st.integers(0, 250)
about = st.integers(-900, 250)
Told = tuple[str, Row]


def _mark(n: int, at: str, day: date, mark: str) -> Told:
    return "roll", page(n, calendar.academic_year(day, SETTINGS), {day: mark}, school_id=at)


def _list(n: int, at: str, day: date, status: str, began: date) -> Told:
    more = {"school_id": at, "grade": "ม.1", "starts_on": began, "credits": 9.0, "attempts_before": 3}
    return "enrolment", listed(n, day, status, **more)


def _result(n: int, at: str, day: date, grade: str, part: str, year: int) -> Told:
    more = {"school_id": at, "part": part, "percent": 11.0, "attended_percent": 3.0, "days_late": 9.0}
    return "result", result(n, "ค22101", grade, day, academic_year=year, **more)


def _of_the_date(as_of: date) -> st.SearchStrategy[Told]:
    """A row known on the date or later, of any table that has a date: new, or a fact of the village told again."""
    known, then = after.map(lambda n: as_of + timedelta(days=n)), about.map(lambda n: as_of + timedelta(days=n))
    new: dict[str, st.SearchStrategy[Told]] = {
        "enrolment": st.builds(_list, learner, school, known, st.sampled_from(["enrolled", "floating", "left"]), then),
        "roll": st.builds(_mark, learner, school, known, st.sampled_from("PTSLAV.")),
        "result": st.builds(_result, learner, school, known, st.sampled_from(["0", "4", "ร"]),
                            st.sampled_from(["final", "midterm", "ใบงาน 1"]), st.sampled_from([2566, 2567])),
        "exit": _row("exit", left, learner, st.none() | then, st.sampled_from(list(EXIT_CAUSES)), known, school),
        "learner": _row("learner", person, learner, known, st.just("male"), st.just(date(2005, 1, 1))),
        "household": _row("household", screening, learner, then, st.just("extremely_poor"), known),
        "grant": _row("grant", grant, learner, then, st.none() | then, known, st.just(95.0)),
        "growth": _row("growth", measuring, learner, then, st.just(80.0), st.just(120.0), known),
    }  # fmt: skip
    assert sorted(new) == sorted(DATED)
    again = {
        name: _row(name, lambda row, day: {**row, "known_on": day}, st.sampled_from(ROWS[name]), known)
        for name in new
        if name not in ("enrolment", "roll")
    }
    return st.one_of(*new.values(), *again.values())


def _row(name: str, make: Callable[..., Row], *columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    return st.builds(make, *columns).map(lambda row: (name, row))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(DATES))
def test_nothing_recorded_on_or_after_the_date_moves_a_feature(data: st.DataObject, as_of: date) -> None:
    told = data.draw(st.lists(_of_the_date(as_of), min_size=1, max_size=12))
    with tempfile.TemporaryDirectory() as home:
        store = village(Path(home))
        was = build(store, SETTINGS, as_of)
        for number, (table, row) in enumerate(told):
            add(store, str(number), **{table: [row]})
        the_same(was, build(store, SETTINGS, as_of))


def _told_the_day_before(as_of: date) -> dict[str, Row]:
    """One row of each table, of the last day that counts."""
    day = as_of - timedelta(days=1)
    while calendar.blank_page(2567, SETTINGS)[calendar.position(day, SETTINGS)] == ord("."):
        day -= timedelta(days=1)
    return {
        "enrolment": listed(MALI, day, "floating"),
        "roll": page(MALI, 2567, {day: "A"}),
        "result": result(MALI, "อ22101", "0", day),
        "exit": left(MALI, day, "withdrew"),
        "learner": person(MALI, day, "male", date(2005, 1, 1)),
        "household": screening(MALI, date(2024, 8, 1), "extremely_poor", known_on=day),
        "grant": grant(MALI, date(2024, 8, 1), None, day, 95.0),
        "growth": measuring(MALI, day, 80.0, 140.0),
    }


@pytest.mark.parametrize("table", DATED)
def test_the_day_before_does_move_them(tmp_path: Path, table: str) -> None:
    as_of = date(2024, 12, 17)
    store = village(tmp_path)
    was = build(store, SETTINGS, as_of)
    add(store, "the day before", **{table: [_told_the_day_before(as_of)[table]]})
    assert not build(store, SETTINGS, as_of).equals(was)


def test_a_fact_told_again_does_not_vanish_from_the_time_before(tmp_path: Path) -> None:
    """Both yearly files list that she left in July; the second must not bring her back into the autumn."""
    store, autumn = village(tmp_path), date(2024, 9, 2)
    was = build(store, SETTINGS, autumn)
    again = [{**row, "known_on": date(2025, 5, 2)} for row in ROWS["exit"]]
    add(store, "next year's file", exit=again, **{
        name: [{**row, "known_on": date(2025, 5, 2)} for row in ROWS[name]] for name in ("household", "grant", "growth")
    })  # fmt: skip
    the_same(was, build(store, SETTINGS, autumn))
