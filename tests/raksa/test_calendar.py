"""Academic years, places on a page, terms and census days, checked against a calendar on the wall."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raksa import calendar
from raksa.settings import Settings, Term
from raksa.tables import PAGE_DAYS

STATE = Settings()
EARLY = Settings(
    year_start="05-01",
    terms=(Term(number=1, first_day="05-01", last_day="09-30"), Term(number=2, first_day="10-15", last_day="02-28")),
    census_days=("06-10",),
)


@pytest.mark.parametrize(
    ("day", "year", "place"),
    [(date(2024, 5, 16), 2567, 0), (date(2024, 5, 15), 2566, 365), (date(2025, 3, 31), 2567, 319),
     (date(2025, 5, 15), 2567, 364)],
)  # fmt: skip
def test_a_day_stands_in_its_academic_year(day, year, place):
    assert (calendar.academic_year(day, STATE), calendar.position(day, STATE)) == (year, place)


@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)), st.sampled_from([STATE, EARLY]))
def test_place_and_day_are_each_others_way_back(day, settings):
    year, place = calendar.academic_year(day, settings), calendar.position(day, settings)
    assert 0 <= place < PAGE_DAYS
    assert calendar.first_day(year, settings) + timedelta(days=place) == day
    assert calendar.monday_before(day).weekday() == 0 and (day - calendar.monday_before(day)).days in range(7)


def test_terms_run_into_the_next_calendar_year():
    assert calendar.term_days(2567, 1, STATE) == (date(2024, 5, 16), date(2024, 10, 10))
    assert calendar.term_days(2567, 2, STATE) == (date(2024, 11, 1), date(2025, 3, 31))
    assert calendar.term_days(2567, 2, EARLY) == (date(2024, 10, 15), date(2025, 2, 28))
    with pytest.raises(KeyError, match="no term 3 in the settings"):
        calendar.term_days(2567, 3, STATE)


def test_results_are_known_two_weeks_after_the_term_and_the_years_after_the_last():
    assert calendar.results_known(2567, 1, STATE) == date(2024, 10, 24)
    assert calendar.results_known(2567, 2, STATE) == calendar.results_known(2567, 0, STATE) == date(2025, 4, 14)


def test_the_next_census_is_strictly_later():
    assert calendar.next_census(date(2024, 6, 9), STATE) == date(2024, 6, 10)
    assert calendar.next_census(date(2024, 6, 10), STATE) == date(2024, 11, 10)
    assert calendar.next_census(date(2024, 11, 10), STATE) == date(2025, 3, 31)
    assert calendar.next_census(date(2024, 6, 10), STATE, "06-10") == date(2025, 6, 10)


@pytest.mark.parametrize("year", [2566, 2567])
def test_a_blank_page_has_a_dash_on_each_school_day_and_a_dot_on_all_others(year):
    closed = frozenset({date(year - 543, 6, 3)})
    first = calendar.first_day(year, STATE)
    expected = ""
    for n in range(PAGE_DAYS):
        day = first + timedelta(days=n)
        begins, ends = (day.month, day.day) >= (5, 16), (day.month, day.day) <= (10, 10)
        first_term = begins and ends and day.year == first.year
        second_term = (day.month, day.day) >= (11, 1) or (day.month <= 3 and day.year > first.year)
        expected += "-" if (first_term or second_term) and day.weekday() < 5 and day not in closed else "."
    assert bytes(calendar.blank_page(year, STATE, closed)).decode() == expected


def test_a_leap_year_has_its_last_day_on_the_366th_place():
    assert calendar.position(date(2024, 5, 15), STATE) == 365
    assert bytes(calendar.blank_page(2567, STATE))[365:] == b"."
