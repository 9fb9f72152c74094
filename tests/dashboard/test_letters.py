"""Letters home by the clock of absence: when the first, second and third are due, to whom, and what is written then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from small_run import settings_for, with_people, write_run

from care import cases
from care.cases import CaseMovedOn
from care.contacts import last_contacts
from care.visit_paper import letters as printed
from dashboard.casework import place_of
from dashboard.letters import Due, letter_of, letters_due, sent
from dashboard.roster import Run, open_run
from raksa.access import Person
from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.school_settings import put
from raksa.store import Store
from tests.cast import ADMIN, ADULTS, KAMOL, KONG, MALI, SAI, SOMSRI, THUNG_NA, WICHAI
from tests.small_register import add, page

MONDAY = date(2026, 6, 8)  # the run's day; the last mark is of the Friday before
FIRST_WEEK = date(2026, 5, 18)
AWAY = (date(2026, 5, 29), *(date(2026, 6, day) for day in range(1, 6)))  # Kong's six days in a row


def marks(*weeks: str) -> dict[date, str]:
    """Marks from the first Monday of the year on, a word a week."""
    return {FIRST_WEEK + timedelta(7 * n + k): mark for n, week in enumerate(weeks) for k, mark in enumerate(week)}


@dataclass
class School:
    """Thung Na's books on one morning."""

    store: Store
    accounts: Accounts
    run: Run

    def due(self, person: Person | None = SOMSRI, today: date = MONDAY, **more: Any) -> list[Due]:
        settings, people = settings_for(self.store.home), self.accounts.people
        return letters_due(self.run, self.store, settings, people, person, today, **more)

    def one(self, today: date = MONDAY) -> Due:
        (due,) = self.due(today=today)
        return due

    def sent(self, due: Due, on: date, person: Person = SOMSRI) -> cases.Case:
        return sent(self.accounts.people, person, due, on, morning(on))

    def rolled(self, name: str, *weeks: str, learner: int = KONG.learner_id) -> None:
        add(self.store, name, roll=[page(learner, 2569, marks(*weeks), school_id=THUNG_NA)])


def morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 1, tzinfo=UTC)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    store = write_run(tmp_path)
    accounts, run = with_people(tmp_path), open_run(store)
    held = School(store, accounts, run)
    held.rolled("may", "PPPPP", "PPPPA", "AAAAA")
    yield held
    run.close()
    accounts.close()


def test_kong_s_first_letter_is_due_after_six_days_and_names_them(school: School) -> None:
    due = school.one()
    assert (due.child.learner_id, due.number, due.sign, due.case) == (KONG.learner_id, 1, "in_row", None)
    assert due.days == AWAY
    assert due.said("en").replace("\u00a0", " ") == "School days away: 6, the last on 5 Jun 2026."


def test_only_the_adults_of_a_child_learn_of_her_letter(school: School) -> None:
    told = {one.username for one in ADULTS if school.due(one)}
    assert told == {"somsri", "wichai", "kamol"}
    assert [one.child.risk for one in school.due(SOMSRI)] == [None]
    assert school.due(replace(KAMOL, active=False)) == []
    assert school.due(KAMOL, school=SAI.school_id) == [] == school.due(SOMSRI, learner=MALI.learner_id)


def test_what_is_printed_is_one_page_a_child_with_the_days_and_whom_to_call(school: School) -> None:
    pdf = pypdfium2.PdfDocument(printed([letter_of(school.one(), SOMSRI, MONDAY)] * 2))
    texts = ["".join(each.get_textpage().get_text_bounded().split()) for each in pdf]
    pdf.close()
    assert len(texts) == 2
    assert all("๖วันคือวันที่๒๙พฤษภาคม๒๕๖๙และวันที่๑,๒,๓,๔และ๕มิถุนายน๒๕๖๙" in text for text in texts)
    assert all("ศรีใจงาม" in text and "๘มิถุนายน๒๕๖๙" in text for text in texts)
    assert letter_of(school.one(), WICHAI, MONDAY).teacher == ""  # who is not the class teacher leaves it to be written


def test_a_letter_that_was_sent_opens_the_case_and_counts_as_a_contact(school: School) -> None:
    case = school.sent(school.one(), MONDAY)
    (held, steps), *_ = cases.of_child(school.accounts.people, WICHAI, case.place)
    assert (held.letters, held.owner, held.signal, held.due) == (1, "somsri", "in_row", MONDAY + timedelta(7))
    assert [(one.kind, one.on) for one in steps] == [("signal", MONDAY), ("letter", MONDAY)]
    assert last_contacts(school.accounts.people, SOMSRI) == {KONG.learner_id: MONDAY}
    assert school.due() == []


def test_the_second_comes_a_week_later_and_only_if_he_was_away_again(school: School) -> None:
    school.sent(school.one(), MONDAY)
    week = MONDAY + timedelta(7)
    assert school.due(today=week) == []  # nothing is recorded since
    school.rolled("june", "PPPPP", "PPPPA", "AAAAA", "AAAAA")
    assert school.due(today=week - timedelta(1)) == []
    due = school.one(week)
    assert (due.number, due.earlier) == (2, (MONDAY,))
    assert due.days == tuple(MONDAY + timedelta(n) for n in range(1, 5))
    assert letter_of(due, SOMSRI, week).earlier == (MONDAY,)


def test_after_three_letters_the_area_office_is_told_once(school: School) -> None:
    school.rolled("june", "PPPPP", "PPPPA", *["AAAAA"] * 6)
    days = [MONDAY + timedelta(7 * n) for n in range(4)]
    for number, day in enumerate(days, start=1):
        due = school.one(day)
        assert (due.number, due.is_letter) == (number, number <= 3)
        case = school.sent(due, day)
    assert (case.letters, case.stage) == (3, "referral")
    (_, steps), *_ = cases.of_child(school.accounts.people, KAMOL, case.place)
    assert (steps[-1].kind, steps[-1].agency) == ("referral", "สพป. ตัวอย่าง เขต 1")
    assert school.due(today=days[-1] + timedelta(7)) == []


@pytest.mark.parametrize("reason", ["returned", "income"])
def test_after_a_return_or_a_closing_the_count_begins_anew(school: School, reason: str) -> None:
    people, case = school.accounts.people, school.sent(school.one(), MONDAY)
    closed = MONDAY + timedelta(7)
    school.rolled("june", "PPPPP", "PPPPA", "AAAAA", "AAAAA")
    cases.close(people, SOMSRI, case.id, case.version, reason=reason, said="พบแล้ว", now=morning(closed))
    assert school.due(today=closed + timedelta(7)) == []  # what he was away for is answered
    school.rolled("later", "PPPPP", "PPPPA", "AAAAA", "AAAAA", "PAAAA")
    assert school.due(today=closed + timedelta(7)) == []  # four days are not five
    school.rolled("still", "PPPPP", "PPPPA", "AAAAA", "AAAAA", "PAAAA", "A")
    due = school.one(closed + timedelta(7))
    assert (due.number, len(due.days), due.earlier) == (1, 5, ())


def test_a_child_who_came_back_since_the_run_gets_no_letter(school: School) -> None:
    school.rolled("june", "PPPPP", "PPPPA", "AAAAA", "P")
    assert school.due(today=MONDAY + timedelta(1)) == []


def test_eight_days_without_leave_in_a_month_are_enough_and_leave_is_not(school: School) -> None:
    school.rolled("june", "PAPAP", "AAPAA", "AAPPP")
    assert (school.one().sign, len(school.one().days)) == ("in_month", 8)
    school.rolled("mended", "PAPAP", "AAPAA", "ALPPP")
    assert school.due() == []


def test_the_school_s_own_lines_hold(school: School) -> None:
    for name, value in (("in_row_letter", 7), ("in_month", 20)):
        put(school.accounts.people, ADMIN, THUNG_NA, name, value, "ตกลงกันในที่ประชุมครู", morning(MONDAY))
    assert school.due() == []


def test_of_two_who_send_it_the_second_is_told_and_one_letter_stands(school: School) -> None:
    due = school.one()
    school.sent(due, MONDAY)
    with pytest.raises(RaksaError, match="open case already"):
        school.sent(due, MONDAY, WICHAI)
    school.rolled("june", "PPPPP", "PPPPA", "AAAAA", "AAAAA")
    second = school.one(MONDAY + timedelta(7))
    school.sent(second, MONDAY + timedelta(7), WICHAI)
    with pytest.raises(CaseMovedOn):
        school.sent(second, MONDAY + timedelta(7))
    (held, _), *_ = cases.of_child(school.accounts.people, SOMSRI, place_of(due.child))
    assert held.letters == 2


def test_a_letter_from_before_the_case_is_refused_and_nothing_is_written(school: School) -> None:
    place = place_of(school.one().child)
    now = morning(MONDAY)
    cases.open_case(school.accounts.people, SOMSRI, place, signal="list", said="อยู่ในรายชื่อ", now=now)
    with pytest.raises(RaksaError, match="before the case was opened"):
        sent(school.accounts.people, SOMSRI, school.one(), MONDAY - timedelta(1), now)
    with pytest.raises(RaksaError, match="may not open this child"):
        sent(school.accounts.people, ADMIN, school.one(), MONDAY, now)
    assert school.one().number == 1
