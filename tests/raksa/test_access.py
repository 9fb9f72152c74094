"""Who may see which child, asked one by one and in SQL."""

from itertools import product

import duckdb
import pytest

from raksa.access import (
    ROLES,
    Person,
    Scope,
    check_scopes,
    class_of,
    decide,
    sees_learners,
    sees_score,
    sees_whole_cells,
    where,
    where_counts,
)
from raksa.errors import RaksaError
from tests.cast import ADMIN, ADULTS, BAIBUA, FAH, KAMOL, MALI, PIM, RUNG, SAI, SCHOOLS, SOMSRI, WICHAI, Learner

SCHOOL_IDS, AREA_IDS = ("S1", "S2", ""), ("A1", "A2", None)
GRADES, ROOMS = ("ม.1", "ป.4", None), ("1", "2", "", None)
LEARNERS = list(product(SCHOOL_IDS, AREA_IDS, GRADES, ROOMS))
SCOPES = [
    (),
    (Scope("class", "S1|ม.1|1"),),
    (Scope("class", "S1|ม.1|1"), Scope("class", "S2|ป.4|")),
    (Scope("class", "S1"),),
    (Scope("school", "S1"),),
    (Scope("school", ""),),
    (Scope("area", "A1"), Scope("area", "A2")),
    (Scope("area", "*"),),
    (Scope("area", "A1"), Scope("school", "S2"), Scope("class", "S2|ม.1|2")),
]
PERSONS = [
    Person(f"{role}-{n}-{active}", "ทดสอบ", role, scopes, active=active)
    for role, (n, scopes), active in product([*ROLES, "headmistress"], enumerate(SCOPES), (True, False))
]


def why(person: Person | None, one: Learner) -> tuple[bool, str]:
    decision = decide(person, one.school_id, SCHOOLS[one.school_id][1], one.grade, one.room)
    return decision.allowed, decision.reason


def test_each_adult_sees_the_children_she_answers_for_and_is_told_why() -> None:
    children = (MALI, BAIBUA, FAH, SAI)  # same class; same school; same area; another area
    out = "not in the scope of this account"
    assert [why(SOMSRI, one) for one in children] == [(True, "homeroom"), (False, out), (False, out), (False, out)]
    assert [why(WICHAI, one) for one in children] == [(True, "school"), (True, "school"), (False, out), (False, out)]
    assert [why(KAMOL, one) for one in children] == [(True, "area"), (True, "area"), (True, "area"), (False, out)]
    for nobody in (PIM, RUNG, ADMIN):
        assert {why(nobody, one) for one in children} == {(False, f"the role {nobody.role} sees no learner")}
    assert {why(None, one) for one in children} == {(True, "operator")}


def test_a_switched_off_teacher_sees_nobody() -> None:
    gone = Person("somsri", "สมศรี", "teacher", SOMSRI.scopes, active=False)
    assert why(gone, MALI) == (False, "the account is switched off")
    assert where(gone) == where_counts(gone) == ("(FALSE)", [])
    assert not sees_learners(gone)


def test_a_class_without_room_names_is_reached_whether_the_list_says_empty_or_nothing() -> None:
    teacher = Person("noi", "น้อย", "teacher", (Scope("class", "S1|ป.4|"),))
    assert [decide(teacher, "S1", "A1", "ป.4", room).allowed for room in (None, "", "1")] == [True, True, False]


@pytest.mark.parametrize("person", [None, *PERSONS, *ADULTS], ids=lambda p: p.username if p else "operator")
def test_the_sql_condition_and_the_decision_agree_on_every_learner(person: Person | None) -> None:
    condition, values = where(person)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE score (n INT, school_id TEXT, area_id TEXT, grade TEXT, room TEXT)")
        connection.executemany(
            "INSERT INTO score VALUES (?, ?, ?, ?, ?)", [(n, *place) for n, place in enumerate(LEARNERS)]
        )
        in_sql = {n for (n,) in connection.execute(f"SELECT n FROM score WHERE {condition}", values).fetchall()}
    assert in_sql == {n for n, place in enumerate(LEARNERS) if decide(person, *place).allowed}


def test_only_planners_see_the_score() -> None:
    assert [p.username for p in ADULTS if sees_score(p)] == ["wichai", "kamol"]
    assert sees_score(None)
    assert [p.username for p in ADULTS if sees_whole_cells(p)] == ["somsri", "wichai", "kamol"]


def test_the_province_counts_its_areas_and_a_ministry_everything() -> None:
    ministry = Person("moe", "กระทรวง", "province", (Scope("area", "*"),))
    assert where_counts(PIM) == ("(area_id IN (?, ?))", ["2401", "2402"])
    assert where_counts(ministry) == ("(TRUE)", [])
    assert where_counts(SOMSRI) == where(SOMSRI)
    assert where_counts(RUNG) == where_counts(ADMIN) == ("(FALSE)", [])


@pytest.mark.parametrize(
    ("role", "scope", "said"),
    [
        ("boss", Scope("area", "A1"), "Role 'boss' is unknown"),
        ("teacher", Scope("village", "9"), "Scope kind 'village' is unknown"),
        ("teacher", Scope("school", "S1"), "takes class scopes, not school:S1"),
        ("researcher", Scope("area", "A1"), "takes no scope"),
        ("teacher", Scope("class", "S1|ม.1"), "is not school|grade|room"),
        ("area", Scope("area", "*"), "names no area"),
        ("school", Scope("school", " "), "names no school"),
    ],
)
def test_a_scope_that_would_open_nothing_is_refused_before_it_is_written(role: str, scope: Scope, said: str) -> None:
    with pytest.raises(RaksaError) as error:
        check_scopes(role, [scope])
    assert said in str(error.value)


def test_a_class_is_written_as_school_grade_room() -> None:
    assert class_of("S1", "ม.3", "1") == "S1|ม.3|1"
    assert class_of("S1", "ป.4", None) == "S1|ป.4|"
