"""From a signal to a closed case: owners, dates, letters, a handing-over, four looks after a return."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from care.cases import (
    CLOSING,
    Case,
    CaseMovedOn,
    act,
    close,
    hand_over,
    letter_sent,
    of_child,
    open_case,
    open_cases,
    reopen,
    standing,
)
from care.contacts import Place, last_contacts
from care.contacts import of_child as contacts_of
from raksa.access import Person, Scope
from raksa.errors import RaksaError
from raksa.people import scoped
from tests.cast import (
    ADMIN,
    BAIBUA,
    KAMOL,
    KONG,
    MALI,
    PA_PHAI,
    PIM,
    RUNG,
    SAI,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
TODAY = date(2026, 6, 8)
FAH_S_HEAD = Person("prapa", "ประภา ผู้อำนวยการ", "school", (Scope("school", PA_PHAI),))


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def opened(people: Engine, child: Learner = KONG, by: Person | None = SOMSRI) -> Case:
    return open_case(people, by, place(child), signal="in_row", said="ไม่มาเรียน 6 วันติดกัน", now=NOW)


def later(days: int) -> datetime:
    return NOW + timedelta(days)


def test_kong_s_case_from_signal_to_closed(people: Engine) -> None:
    case = opened(people)
    assert (case.owner, case.stage, case.due, case.version) == ("somsri", "signal", TODAY + timedelta(3), 1)
    case = act(people, SOMSRI, case.id, 1, kind="call", said="ไม่มีผู้รับสาย", now=later(1))
    case = act(people, SOMSRI, case.id, 2, kind="letter", said="ส่งหนังสือฉบับที่ 1", now=later(4))
    case = act(people, SOMSRI, case.id, 3, kind="visit", said="พบยาย แม่ไปทำงานต่างจังหวัด", now=later(6))
    assert (case.stage, case.letters, case.due) == ("visit", 1, TODAY + timedelta(6 + 14))
    case = act(people, WICHAI, case.id, 4, kind="referral", agency="พมจ.", said="ขอทุน", now=later(8), owner="wichai")
    assert case.owner == "wichai"
    case = close(people, WICHAI, case.id, 5, reason="moved", said="ย้ายไปอยู่กับแม่ เรียนที่ระยอง", now=later(20))
    assert (case.closing, case.due, case.is_open) == ("moved", None, False)
    ((held, steps),) = of_child(people, SOMSRI, place(KONG))
    assert held == case
    assert [one.kind for one in steps] == ["signal", "call", "letter", "visit", "referral", "closed"]
    assert steps[4].agency == "พมจ." and steps[4].by_name == WICHAI.name


def test_a_letter_noted_where_no_case_is_open_opens_one_with_it_or_nothing(people: Engine) -> None:
    words = {"signal": "in_row", "known": "ไม่มาเรียน 6 วัน", "said": "ส่งหนังสือฉบับที่ 1", "now": NOW}
    case = letter_sent(people, SOMSRI, place(KONG), None, on=TODAY, **words)
    assert (case.letters, case.stage, case.version, case.due) == (1, "letter", 2, TODAY + timedelta(7))
    with pytest.raises(CaseMovedOn):
        letter_sent(people, WICHAI, place(KONG), replace(case, version=1), on=TODAY, **words)
    with pytest.raises(RaksaError, match="open case already"):
        letter_sent(people, WICHAI, place(KONG), None, on=TODAY, **words)
    with pytest.raises(RaksaError, match="not here yet"):
        letter_sent(people, SOMSRI, place(MALI), None, on=TODAY + timedelta(1), **words)
    assert of_child(people, SOMSRI, place(MALI)) == []
    assert [one.kind for one in of_child(people, SOMSRI, place(KONG))[0][1]] == ["signal", "letter"]


def test_calls_letters_and_visits_are_contacts_and_all_count_the_same(people: Engine) -> None:
    case = opened(people)
    case = act(people, SOMSRI, case.id, 1, kind="screening", said="คัดกรองแล้ว", now=NOW)
    assert last_contacts(people, SOMSRI) == {}
    act(people, SOMSRI, case.id, 2, kind="call", said="คุยกับยาย", now=NOW)
    assert last_contacts(people, SOMSRI) == {KONG.learner_id: TODAY}
    assert [one.text for one in contacts_of(people, SOMSRI, place(KONG))] == ["คุยกับยาย"]


def test_after_a_return_somebody_looks_four_times_and_then_the_case_is_closed(people: Engine) -> None:
    case = close(people, SOMSRI, opened(people).id, 1, reason="returned", said="กลับมาเรียนแล้ว", now=NOW)
    assert (case.is_open, case.checks_left, case.due) == (True, 4, TODAY + timedelta(60))
    for look in range(1, 5):
        at = later(60 * look)
        case = act(people, SOMSRI, case.id, case.version, kind="follow_up", said="ยังมาเรียน", now=at)
    assert (case.checks_left, case.is_open, case.closing) == (0, False, "returned")


def test_a_call_between_two_looks_does_not_move_the_next_one(people: Engine) -> None:
    case = close(people, SOMSRI, opened(people).id, 1, reason="returned", said="กลับมาเรียนแล้ว", now=NOW)
    case = act(people, SOMSRI, case.id, case.version, kind="call", said="โทรคุย", now=later(10))
    assert (case.checks_left, case.due) == (4, TODAY + timedelta(60))


def test_what_is_longest_overdue_stands_first(people: Engine) -> None:
    first, second = opened(people, KONG), opened(people, MALI)
    act(people, SOMSRI, first.id, 1, kind="note", said="รอข้อมูล", due=TODAY + timedelta(1), now=NOW)
    cases = open_cases(people, SOMSRI)
    assert [(case.id, case.overdue(TODAY + timedelta(5))) for case in cases] == [(first.id, 4), (second.id, 2)]
    assert standing(people, KAMOL, TODAY + timedelta(5)) == {
        THUNG_NA: {"open": 2, "overdue": 2, "unowned": 0, "closed": 0}
    }


def test_a_child_has_one_open_case_and_a_closed_one_is_opened_again_with_its_history(people: Engine) -> None:
    case = opened(people)
    with pytest.raises(RaksaError, match="open case already"):
        opened(people, by=WICHAI)
    case = close(people, SOMSRI, case.id, 1, reason="found", said="พบแล้ว", now=NOW)
    with pytest.raises(RaksaError, match="Reopen it first"):
        act(people, SOMSRI, case.id, case.version, kind="call", said="โทร", now=NOW)
    case = reopen(people, SOMSRI, case.id, case.version, said="ขาดเรียนอีก", now=later(3))
    assert case.is_open and case.closing is None and len(of_child(people, SOMSRI, place(KONG))[0][1]) == 3


def test_a_case_handed_to_another_school_goes_there_whole_and_is_nobody_s_until_taken(people: Engine) -> None:
    case = act(people, SOMSRI, opened(people).id, 1, kind="visit", said="ย้ายบ้านแล้ว", now=NOW)
    there = Place(KONG.learner_id, PA_PHAI, "2401", "ม.3", None)
    moved = hand_over(people, SOMSRI, case.id, 2, said="ย้ายไปเรียนที่วัดป่าไผ่", to=there, now=NOW)
    assert (moved.place, moved.owner) == (there, "")
    assert open_cases(people, SOMSRI) == []
    ((held, steps),) = of_child(people, FAH_S_HEAD, there)
    assert held == moved and [one.kind for one in steps] == ["signal", "visit", "handed_over"]
    taken = act(people, FAH_S_HEAD, moved.id, moved.version, kind="call", said="โทร", owner="prapa", now=NOW)
    assert taken.owner == "prapa"


def test_a_restricted_step_says_that_it_is_there_and_no_more(people: Engine) -> None:
    case = act(people, WICHAI, opened(people).id, 1, kind="conference", said="ความลับ", restricted=True, now=NOW)
    ((_, steps),) = of_child(people, KAMOL, place(KONG))
    assert (steps[1].redacted, steps[1].said, steps[1].by_name) == (True, "", WICHAI.name)
    ((_, steps),) = of_child(people, SOMSRI, place(KONG))  # she owns the case
    assert steps[1].said == "ความลับ" and case.owner == "somsri"


@pytest.mark.parametrize("person", [PIM, RUNG, ADMIN], ids=lambda p: p.username)
def test_whoever_sees_no_child_sees_no_case(people: Engine, person: Person) -> None:
    case = opened(people)
    assert open_cases(people, person) == []
    with pytest.raises(RaksaError, match="may not open this child"):
        of_child(people, person, place(KONG))
    with pytest.raises(RaksaError, match="no case"):
        act(people, person, case.id, 1, kind="call", said="โทร", now=NOW)


def test_somsri_touches_no_case_of_another_class(people: Engine) -> None:
    hers = opened(people, BAIBUA, WICHAI)
    assert open_cases(people, SOMSRI) == []
    for attempt in (
        lambda: act(people, SOMSRI, hers.id, 1, kind="call", said="โทร", now=NOW),
        lambda: close(people, SOMSRI, hers.id, 1, reason="found", said="พบ", now=NOW),
        lambda: hand_over(people, SOMSRI, hers.id, 1, said="ส่งต่อ", owner="somsri", now=NOW),
        lambda: reopen(people, SOMSRI, hers.id, 1, said="อีก", now=NOW),
    ):
        with pytest.raises(RaksaError, match="no case"):
            attempt()
    with pytest.raises(RaksaError, match="may not open this child"):
        opened(people, SAI)


def test_the_second_of_two_editors_is_told_and_sees_what_stands(people: Engine) -> None:
    case = opened(people)
    act(people, WICHAI, case.id, 1, kind="call", said="โทรแล้ว", now=NOW)
    with pytest.raises(CaseMovedOn) as told:
        act(people, SOMSRI, case.id, 1, kind="call", said="โทรเหมือนกัน", now=NOW)
    assert told.value.present.version == 2
    assert len(of_child(people, SOMSRI, place(KONG))[0][1]) == 2


def test_fifty_who_write_at_once_lose_nothing(people: Engine) -> None:
    case = opened(people)

    def write(n: int) -> int:
        version, told = 1, 0
        while True:
            try:
                act(people, SOMSRI, case.id, version, kind="note", said=f"บันทึก {n}", now=NOW)
                return told
            except CaseMovedOn as moved:
                version, told = moved.present.version, told + 1

    with ThreadPoolExecutor(50) as pool:
        told = sum(pool.map(write, range(50)))
    ((held, steps),) = of_child(people, SOMSRI, place(KONG))
    assert held.version == 51 and {one.said for one in steps[1:]} == {f"บันทึก {n}" for n in range(50)}
    assert told >= 49


def test_of_two_who_open_a_case_for_one_child_at_once_one_does(people: Engine) -> None:
    def attempt(by: Person) -> bool:
        try:
            opened(people, KONG, by)
        except RaksaError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, [SOMSRI, WICHAI] * 4)) == 1


def test_steps_are_only_ever_added(people: Engine) -> None:
    opened(people)
    for verb in ("UPDATE care_case_step SET said = 'x'", "DELETE FROM care_case_step"):
        with pytest.raises(Exception, match="only ever added"), scoped(people, None, writing=True) as session:
            session.execute(text(verb))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "prayer"}, "Step 'prayer' is unknown"),
        ({"said": "  "}, "Nothing is said"),
        ({"said": "ก" * 4001}, "Make it shorter"),
        ({"on": date(2026, 6, 9)}, "is not here yet"),
        ({"on": date(2026, 6, 1)}, "before the case was opened"),
        ({"kind": "referral"}, "to whom"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    people: Engine, wrong: dict[str, object], sentence: str
) -> None:
    case = opened(people)
    given = {"kind": "call", "said": "โทร", "now": NOW} | wrong
    with pytest.raises(RaksaError, match=sentence):
        act(people, SOMSRI, case.id, 1, **given)  # type: ignore[arg-type]
    ((held, _steps),) = of_child(people, SOMSRI, place(KONG))
    assert held.version == 1


def test_a_case_ends_in_words_the_official_lists_know(people: Engine) -> None:
    with pytest.raises(RaksaError, match="Reason 'lazy' is unknown"):
        close(people, SOMSRI, opened(people).id, 1, reason="lazy", said="…", now=NOW)
    assert {"income", "family", "unknown", "moved"} <= set(CLOSING)
