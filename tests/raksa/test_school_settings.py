"""What schools set for themselves: who may, what fits, what holds, and that nothing is overwritten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from raksa.access import Person, Scope
from raksa.errors import RaksaError
from raksa.school_settings import EVERY_SCHOOL, NAMES, Change, SchoolSettings, history, in_force, put
from tests.cast import ADMIN, CHAI_DAEN, KAMOL, PA_PHAI, PIM, RUNG, SCHOOLS, SOMSRI, THUNG_NA, WICHAI

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
WHY = "มีครูเพิ่มสองคนภาคเรียนนี้"


def test_without_a_word_the_defaults_hold(people: Engine) -> None:
    assert in_force(people)(THUNG_NA) == SchoolSettings(None, 3, 5, 7, 0.90, 0.88, 0.80)
    assert vars(SchoolSettings()) == {each.name: each.default for each in NAMES.values()}


def test_the_schools_own_word_holds_before_that_for_all_and_can_be_taken_back(people: Engine) -> None:
    put(people, ADMIN, EVERY_SCHOOL, "in_row_notice", 2, "ทั้งเขต", NOW)
    assert put(people, WICHAI, THUNG_NA, "in_row_notice", 4, WHY, NOW) == SchoolSettings(in_row_notice=4)
    assert in_force(people)(PA_PHAI) == SchoolSettings(in_row_notice=2)
    put(people, WICHAI, THUNG_NA, "in_row_notice", None, "กลับไปใช้ของเขต", NOW)
    assert in_force(people)(THUNG_NA) == SchoolSettings(in_row_notice=2)


def test_every_change_is_kept_with_who_when_and_why(people: Engine) -> None:
    later = NOW + timedelta(days=1)
    put(people, WICHAI, THUNG_NA, "capacity", 12, WHY, NOW)
    put(people, KAMOL, THUNG_NA, "capacity", 15, " เขตจัดครูช่วย ", later, area_id="2401")
    put(people, None, PA_PHAI, "capacity", 5, "โรงเรียนเล็ก", later)
    assert history(people, THUNG_NA) == [
        Change(THUNG_NA, "capacity", 15, "kamol", later, "เขตจัดครูช่วย"),
        Change(THUNG_NA, "capacity", 12, "wichai", NOW, WHY),
    ]
    for statement in ("UPDATE school_setting SET value = 1", "DELETE FROM school_setting"):
        with pytest.raises(Exception, match="rows of school_setting are only ever added"), people.begin() as connection:
            connection.execute(text(statement))


def test_who_may_set_what(people: Engine) -> None:
    off = Person("off", "ลาออกแล้ว", "admin", active=False)
    ministry = Person("ministry", "กระทรวง", "province", (Scope("area", "*"),))
    asked = [ADMIN, KAMOL, WICHAI, SOMSRI, PIM, RUNG, off, ministry, None]
    may = {}
    for person in asked:
        for school in (THUNG_NA, CHAI_DAEN, EVERY_SCHOOL):
            area = SCHOOLS[school][1] if school else None
            try:
                put(people, person, school, "in_month", 8, WHY, NOW, area_id=area)
            except RaksaError as refused:
                assert "does not set anything for" in str(refused)
            else:
                may.setdefault(person.username if person else None, []).append(school)
    everywhere = [THUNG_NA, CHAI_DAEN, EVERY_SCHOOL]
    assert may == {"admin": everywhere, None: everywhere, "kamol": [THUNG_NA], "wichai": [THUNG_NA]}


@pytest.mark.parametrize(
    ("name", "value", "why", "said"),
    [
        ("capacity", 0, WHY, "capacity = 0 does not fit. Give a whole number from 1 to 5000."),
        ("in_month", 7.5, WHY, "in_month = 7.5 does not fit. Give a whole number from 1 to 31."),
        ("attended_last", 80, WHY, "attended_last = 80 does not fit. Give a share from 0 to 1."),
        ("attended_last", float("nan"), WHY, "attended_last = nan does not fit."),
        ("in_row_notice", float("inf"), WHY, "in_row_notice = inf does not fit."),
        ("score", 1, WHY, "School setting 'score' is unknown. Known: capacity, in_row_notice,"),
        ("in_month", 8, "  ", "No reason is given for in_month."),
    ],
)
def test_what_does_not_fit_is_said_and_not_written(
    people: Engine, name: str, value: float, why: str, said: str
) -> None:
    with pytest.raises(RaksaError) as error:
        put(people, WICHAI, THUNG_NA, name, value, why, NOW)
    assert str(error.value).startswith(said)
    assert history(people, THUNG_NA) == []
