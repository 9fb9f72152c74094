"""Where each child is on a day: a test for each line of the table in register/whereabouts.py; who is out of school."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cast import BAIBUA, EK, FAH, KONG, MALI, NUNG, SAI
from hypothesis import example, given
from hypothesis import settings as more_or_less
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from small_register import SCHOOL, SETTINGS, add, listed, page, register, school_days

from features.build import build
from models.outcome import outcome
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import ENROLMENT_STATUS, EXIT_CAUSES, FINDINGS
from register import whereabouts as module
from register.whereabouts import (
    DEFINITIONS,
    EVIDENCE,
    STATES,
    OutOfSchool,
    flows,
    out_of_school,
    out_of_school_to_xlsx,
    whereabouts,
)

JUNE, NOVEMBER, MARCH = date(2024, 6, 10), date(2024, 11, 10), date(2025, 3, 31)
NEXT_JUNE = date(2025, 6, 10)
AS_OF = date(2024, 12, 2)
HERE, THERE, COLLEGE = SCHOOL["school_id"], "99020002", "99130001"
SCHOOLS = [
    {**SCHOOL, "agency": "สพฐ."},
    {**SCHOOL, "school_id": THERE, "name": "โรงเรียนวัดทดลอง", "area_id": "992", "agency": "อปท."},
    {**SCHOOL, "school_id": COLLEGE, "name": "วิทยาลัยทดลอง", "area_id": "993", "agency": "สอศ."},
]
MATES = (901, 902, 903)  # schoolmates, so that a school has sent its list
MALIS = MALI.learner_id


def store_of(home: Path, *lists: dict[str, Any], **tables: list[dict[str, Any]]) -> Store:
    """Three schools; the first has sent its lists of June and November."""
    mates = [listed(mate, day) for mate in MATES for day in (JUNE, NOVEMBER)]
    return register(home, school=SCHOOLS, enrolment=[*mates, *lists], **tables)


def of_mali(home: Path, *lists: dict[str, Any], as_of: date = AS_OF, **tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Where Mali is."""
    where = whereabouts(store_of(home, *lists, **tables), SETTINGS, as_of)
    (row,) = where[where["learner_id"] == MALIS].to_dict("records")
    return row


def mali(on: date, status: str = "enrolled", **more: Any) -> dict[str, Any]:
    return listed(MALIS, on, status, **more)


def taken_off(cause: str, on: date, **more: Any) -> dict[str, Any]:
    return {"learner_id": MALIS, "school_id": HERE, "left_on": on, "known_on": on, "cause": cause, **more}


def followed(finding: str, on: date, **more: Any) -> dict[str, Any]:
    return {"learner_id": MALIS, "school_id": HERE, "known_on": on, "finding": finding, **more}


def goes_to(destination: str, on: date = MARCH, **more: Any) -> dict[str, Any]:
    return {"learner_id": MALIS, "school_id": HERE, "academic_year": 2567, "grade": "ม.3", "known_on": on,
            "destination": destination, **more}  # fmt: skip


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["state"], row["evidence"], row["school_id"], row["school_before"]


# ------------------------------------------------------------------------------------------------ who is where
def test_mali_is_on_the_newest_list_of_her_school(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(JUNE), mali(NOVEMBER))
    assert {**row, "since": row["since"].date(), "last_listed_on": row["last_listed_on"].date()} == {
        "learner_id": MALIS, "state": "enrolled", "evidence": "listed", "settled": True, "area_id": "991",
        "school_id": HERE, "school_before": None, "agency_now": "สพฐ.", "agency_before": None, "since": JUNE,
        "grade": "ม.2", "last_listed_on": NOVEMBER, "last_seen_on": pd.NaT,
    }  # fmt: skip


def test_who_is_not_on_the_newest_list_of_her_school_is_not_seen(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(JUNE))
    assert (said(row), row["since"].date(), row["settled"]) == (
        ("not_seen", "not_on_list", None, HERE),
        NOVEMBER,
        False,
    )


def test_a_part_of_a_list_makes_nobody_missing(tmp_path: Path) -> None:
    # One line of November, mended and sent again in December, is not the school's list.
    many = [listed(n, day) for n in range(800, 820) for day in (JUNE, NOVEMBER)]
    late = listed(800, date(2024, 11, 25))
    assert said(of_mali(tmp_path, mali(JUNE), mali(NOVEMBER), *many, late)) == ("enrolled", "listed", HERE, None)


def test_a_list_of_the_as_of_day_or_later_is_not_known(tmp_path: Path) -> None:
    assert said(of_mali(tmp_path, mali(JUNE), as_of=NOVEMBER))[:2] == ("enrolled", "listed")
    known = of_mali(tmp_path, mali(JUNE), as_of=NOVEMBER + timedelta(days=1))
    assert said(known)[:2] == ("not_seen", "not_on_list")


def test_a_school_without_a_list_this_year_leaves_its_children_unseen_once_lists_are_due(tmp_path: Path) -> None:
    spring = mali(date(2024, 3, 31), school_id=THERE, grade="ม.1")
    assert said(of_mali(tmp_path, spring, as_of=date(2024, 6, 20)))[:2] == ("enrolled", "listed")
    row = of_mali(tmp_path, spring)
    assert (said(row), row["settled"]) == (("not_seen", "no_list", None, THERE), False)


def test_mali_moved_to_another_agency_and_was_seen_there(tmp_path: Path) -> None:
    lists = [mali(JUNE), mali(NOVEMBER, school_id=THERE)]
    row = of_mali(tmp_path, *lists, exit=[taken_off("moved_school", date(2024, 8, 16))])
    assert said(row) == ("transferred", "moved", THERE, HERE)
    assert (row["agency_before"], row["agency_now"], row["area_id"], row["since"].date()) == (
        "สพฐ.", "อปท.", "992", NOVEMBER,
    )  # fmt: skip


def test_a_year_three_pupil_at_the_vocational_college_went_on(tmp_path: Path) -> None:
    lists = [mali(MARCH, grade="ม.3"), mali(date(2025, 7, 1), school_id=COLLEGE, grade="ปวช.1")]
    row = of_mali(tmp_path, *lists, exit=[taken_off("graduated", MARCH)], as_of=date(2025, 8, 1))
    assert (*said(row), row["agency_now"]) == ("transferred", "went_on", COLLEGE, HERE, "สอศ.")
    second = [mali(MARCH), mali(date(2025, 7, 1), school_id=COLLEGE, grade="ม.3")]  # not after a change of level
    assert said(of_mali(tmp_path / "2", *second, as_of=date(2025, 8, 1)))[1] == "moved"
    later = of_mali(tmp_path, *lists, exit=[taken_off("graduated", MARCH)], as_of=date(2026, 5, 20))
    assert said(later) == ("enrolled", "listed", COLLEGE, HERE)  # the next year she is simply there


def test_moved_and_not_yet_seen_anywhere_is_never_counted_as_fine(tmp_path: Path) -> None:
    store = store_of(tmp_path, mali(JUNE), exit=[taken_off("moved_school", date(2024, 8, 16))])
    where = whereabouts(store, SETTINGS, AS_OF)
    (row,) = where[where["learner_id"] == MALIS].to_dict("records")
    assert (said(row), row["since"].date(), row["settled"]) == (
        ("transferred", "moved_unseen", None, HERE), date(2024, 8, 16), False,
    )  # fmt: skip
    here = {"area_id": "991", "school_id": HERE}
    assert flows(where).to_dict("records") == [
        here | {"state": "enrolled", "evidence": "listed", "settled": True, "learners": 3},
        here | {"state": "transferred", "evidence": "moved_unseen", "settled": False, "learners": 1},
    ]


@pytest.mark.parametrize(
    ("cause", "state", "evidence"),
    [
        ("died", "died", "died"),
        ("moved_abroad", "abroad", "abroad"),
        ("not_found", "struck_off", "not_found"),
        ("withdrew", "struck_off", "withdrew"),
        ("past_compulsory_age", "struck_off", "past_age"),
        ("unknown", "struck_off", "cause_unknown"),
    ],
)
def test_taken_off_the_list(tmp_path: Path, cause: str, state: str, evidence: str) -> None:
    row = of_mali(tmp_path, mali(JUNE), exit=[taken_off(cause, date(2024, 9, 2))])
    assert (said(row), row["since"].date()) == ((state, evidence, None, HERE), date(2024, 9, 2))


def test_an_exit_not_known_before_the_day_changes_nothing(tmp_path: Path) -> None:
    late = taken_off("withdrew", date(2024, 11, 25), known_on=AS_OF)
    assert said(of_mali(tmp_path, mali(NOVEMBER), exit=[late]))[:2] == ("enrolled", "listed")


def test_who_is_listed_again_came_back(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(JUNE), mali(NOVEMBER), exit=[taken_off("withdrew", date(2024, 8, 1))])
    assert (said(row), row["since"].date()) == (("enrolled", "listed", HERE, None), NOVEMBER)


def test_an_exit_from_the_old_school_that_comes_late_does_not_end_the_place_at_the_new(tmp_path: Path) -> None:
    lists = [mali(JUNE), mali(NOVEMBER, school_id=THERE)]
    row = of_mali(tmp_path, *lists, exit=[taken_off("moved_school", date(2024, 11, 20))])
    assert said(row) == ("transferred", "moved", THERE, HERE)


def test_a_place_at_a_school_that_is_late_with_its_list_is_not_where_she_is(tmp_path: Path) -> None:
    # There she was listed in June, here in November, and taken off here; the other school's old list says nothing.
    lists = [mali(JUNE, school_id=THERE), mali(NOVEMBER)]
    row = of_mali(tmp_path, *lists, exit=[taken_off("withdrew", date(2024, 11, 20))])
    assert said(row) == ("struck_off", "withdrew", None, HERE)


def test_death_ends_a_place_that_another_schools_list_still_gives_and_a_later_list_undoes_it(tmp_path: Path) -> None:
    lists, off = [mali(JUNE), mali(date(2024, 6, 12), school_id=THERE)], [taken_off("died", date(2024, 8, 1))]
    assert said(of_mali(tmp_path / "1", *lists, exit=off))[:2] == ("died", "died")
    again = [*lists, mali(NOVEMBER, school_id=THERE)]
    assert said(of_mali(tmp_path / "2", *again, exit=off)) == ("transferred", "moved", THERE, HERE)


def test_on_the_books_but_not_in_class(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(JUNE), mali(NOVEMBER, "floating"))
    assert (said(row), row["since"].date(), row["settled"]) == (
        ("floating", "floating", HERE, None), NOVEMBER, False,
    )  # fmt: skip
    elsewhere = of_mali(tmp_path / "2", mali(NOVEMBER, "floating"), mali(JUNE, school_id=THERE), mali(
        NOVEMBER, school_id=THERE))  # fmt: skip
    assert said(elsewhere) == ("enrolled", "listed", THERE, None)


def test_on_leave_is_no_leaving(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(JUNE), mali(NOVEMBER, "leave_of_absence"))
    assert (said(row), row["settled"]) == (("leave_of_absence", "on_leave", HERE, None), True)


def test_on_the_lists_of_two_schools_at_once(tmp_path: Path) -> None:
    row = of_mali(tmp_path, mali(NOVEMBER), mali(date(2024, 11, 15), school_id=THERE))
    assert said(row) == ("transferred", "two_lists", THERE, HERE)
    settled = of_mali(tmp_path / "2", mali(NOVEMBER), mali(date(2024, 11, 15), school_id=THERE),
                      exit=[taken_off("moved_school", date(2024, 11, 12))])  # fmt: skip
    assert said(settled) == ("transferred", "moved", THERE, HERE)


def test_marked_as_there_on_a_later_day_she_is_in_class(tmp_path: Path) -> None:
    days = [day for day in school_days(2567, 150) if day < AS_OF]
    there = page(MALIS, 2567, {days[-2]: "A", days[-3]: "P", days[-4]: "T"}, school_id=THERE)
    row = of_mali(tmp_path, mali(JUNE), exit=[taken_off("moved_school", date(2024, 8, 16))], roll=[there])
    assert said(row) == ("transferred", "in_class", THERE, HERE)
    assert (row["since"].date(), row["last_seen_on"].date()) == (days[-4], days[-3])


def test_an_absence_is_no_sight_of_a_child(tmp_path: Path) -> None:
    days = [day for day in school_days(2567, 150) if day < AS_OF]
    absent = page(MALIS, 2567, {days[0]: "P", days[1]: "L", days[-2]: "A", days[-1]: "S"})
    row = of_mali(tmp_path, mali(JUNE), roll=[absent])
    assert (said(row)[1], row["last_seen_on"].date()) == ("not_on_list", days[0])


def test_marks_of_the_day_itself_are_not_known(tmp_path: Path) -> None:
    day = school_days(2567, 5)[-1]
    row = of_mali(tmp_path, mali(date(2024, 3, 31)), roll=[page(MALIS, 2567, {day: "P"})], as_of=day)
    assert row["last_seen_on"] is pd.NaT
    row = of_mali(tmp_path, mali(date(2024, 3, 31)), as_of=day + timedelta(days=1))
    assert row["last_seen_on"].date() == day


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ("found", ("enrolled", "found", HERE)),
        ("not_found", ("not_seen", "sought", None)),
        ("unreachable", ("not_seen", "sought", None)),
        ("moved", ("transferred", "moved_unseen", None)),
        ("died", ("died", "died", None)),
        ("other", ("not_seen", "not_on_list", None)),
    ],
)
def test_what_a_school_found_when_it_followed_her_up(tmp_path: Path, finding: str, expected: tuple[Any, ...]) -> None:
    row = of_mali(tmp_path, mali(JUNE), follow_up=[followed(finding, date(2024, 11, 20))])
    assert said(row)[:3] == expected


def test_finished_the_last_grade(tmp_path: Path) -> None:
    off = [taken_off("graduated", MARCH)]
    assert said(of_mali(tmp_path, mali(MARCH, grade="ม.6"), exit=off, as_of=date(2025, 9, 1)))[:2] == (
        "graduated", "finished",
    )  # fmt: skip


def test_finished_year_three_and_the_summer_gap(tmp_path: Path) -> None:
    lists, off = [mali(MARCH, grade="ม.3")], [taken_off("graduated", MARCH)]
    waits = of_mali(tmp_path, *lists, exit=off, as_of=date(2025, 6, 20))
    assert (said(waits), waits["settled"]) == (("graduated", "goes_on", None, HERE), True)
    gone = of_mali(tmp_path, as_of=date(2025, 9, 1))
    assert (said(gone), gone["settled"]) == (("not_seen", "not_arrived", None, HERE), False)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("upper_secondary", ("not_seen", "not_arrived", False)),
        ("unknown", ("not_seen", "not_arrived", False)),
        ("works", ("graduated", "stops", False)),
        ("non_formal", ("graduated", "told_only", False)),
    ],
)
def test_where_her_school_says_she_goes_is_no_sight_of_her(
    tmp_path: Path, destination: str, expected: tuple[Any, ...]
) -> None:
    mates = [listed(mate, NEXT_JUNE) for mate in MATES]  # the school's next list, without her; no exit was sent
    row = of_mali(
        tmp_path, mali(MARCH, grade="ม.3"), *mates, destination=[goes_to(destination)], as_of=date(2025, 9, 1)
    )
    assert (row["state"], row["evidence"], row["settled"]) == expected


def test_in_the_civil_register_and_on_no_list_ever(tmp_path: Path) -> None:
    people = [{"learner_id": MALIS, "listed_on": day, "subdistrict": "นาดี"} for day in (date(2024, 1, 5), JUNE)]
    row = of_mali(tmp_path, population=people)
    assert (said(row), row["since"].date()) == (("never_listed", "never_listed", None, None), date(2024, 1, 5))


def test_the_table_of_evidence_is_whole() -> None:
    # Every word a school may use leads to a code, every code stands in the module's table with the state it has there.
    assert set(module._FROM_LIST) == set(ENROLMENT_STATUS)
    assert set(module._FROM_EXIT) == set(EXIT_CAUSES)
    assert set(module._FROM_FOLLOW_UP) == set(FINDINGS) - {"other"}
    lines = (module.__doc__ or "").splitlines()
    for code, evidence in EVIDENCE.items():
        assert any(code in line.split() or f"{code}," in line.split() for line in lines), code
        assert any(evidence.state in line for line in lines if code in line), code
    page_ = (Path(__file__).parents[2] / "docs" / "whereabouts.md").read_text(encoding="utf-8")
    for code, evidence in EVIDENCE.items():
        (line,) = (line for line in page_.splitlines() if line.startswith("|") and f"`{code}`" in line)
        assert evidence.state in line and ("**no**" in line) != evidence.settled, code
    assert all(f"| `{name}` |" in page_ for name in DEFINITIONS)
    assert set(STATES) == {
        "enrolled", "transferred", "graduated", "struck_off", "floating", "leave_of_absence", "died", "abroad",
        "not_seen", "never_listed",
    }  # fmt: skip


def test_an_empty_register_has_nobody_anywhere(tmp_path: Path) -> None:
    where = whereabouts(Store.create(tmp_path, 2, "key"), SETTINGS, AS_OF)
    assert (list(where.columns), len(where), len(flows(where))) == (module.COLUMNS, 0, 0)


days_later = st.dates(AS_OF, AS_OF + timedelta(days=300))


@more_or_less(max_examples=15, deadline=None)
@given(
    day=days_later,
    status=st.sampled_from(ENROLMENT_STATUS),
    cause=st.sampled_from(sorted(EXIT_CAUSES)),
    finding=st.sampled_from(sorted(FINDINGS)),
    school=st.sampled_from([HERE, THERE]),
)
def test_what_comes_later_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, day: date, status: str, cause: str, finding: str, school: str
) -> None:
    store = store_of(tmp_path_factory.mktemp("s"), mali(JUNE), population=[
        {"learner_id": 7, "listed_on": JUNE, "province": "ก"}])  # fmt: skip
    before = whereabouts(store, SETTINGS, AS_OF)
    add(
        store,
        "later",
        enrolment=[mali(day, status, school_id=school), listed(7, day)],
        exit=[taken_off(cause, day)],
        follow_up=[followed(finding, day)],
        destination=[goes_to("works", day)],
        population=[{"learner_id": 8, "listed_on": day, "province": "ก"}],
        roll=[page(MALIS, 2567 if day < date(2025, 5, 16) else 2568, {day: "P"})],
    )
    pd.testing.assert_frame_equal(whereabouts(store, SETTINGS, AS_OF), before)


def test_whom_the_outcome_counts_as_left_nobody_calls_settled(demo_settings: Settings) -> None:
    # Two files, two ways: the outcome looks forward from January to the census, this one back from the August after it.
    store, back, by = Store(demo_settings.home), date(2026, 1, 18), date(2026, 6, 10)
    cohort = build(store, demo_settings, back)
    became = outcome(store, demo_settings, cohort, back, by).set_index("learner_id")
    where = whereabouts(store, demo_settings, date(2026, 8, 26)).set_index("learner_id").reindex(became.index)
    left, stayed = became["left"] == 1, became["evidence"] == "seen"
    assert (left.sum() > 10, stayed.sum() > 900) == (True, True)
    assert where.loc[left, "settled"].sum() == 0
    assert where.loc[stayed, "school_id"].isna().sum() == 0
    moved = became["evidence"] == "not_traced"
    assert where.loc[moved & where["settled"]].empty


# ------------------------------------------------------------------------------------------------ out of school
BORN = {  # in 2567 (CE 2024): 15, 14, 9, 7, 6, 16, 17
    MALI: date(2009, 3, 1), KONG: date(2010, 12, 31), BAIBUA: date(2015, 1, 1), FAH: date(2017, 12, 31),
    SAI: date(2018, 1, 1), EK: date(2008, 6, 1), NUNG: date(2007, 6, 1),
}  # fmt: skip


def person(child: Any, on: date = JUNE, subdistrict: str = "นาดี", district: str = "ทุ่ง", **more: Any) -> dict[str, Any]:
    return {"learner_id": child.learner_id, "listed_on": on, "subdistrict": subdistrict, "district": district,
            "province": "ตัวอย่าง", **more}  # fmt: skip


def district(home: Path, *lists: dict[str, Any], **tables: list[dict[str, Any]]) -> Store:
    """The seven children in the civil register of June, their birth dates known; nobody listed but by `lists`."""
    births = [{"learner_id": c.learner_id, "known_on": JUNE, "birth_date": day} for c, day in BORN.items()]
    people = {"population": [person(c) for c in BORN], "learner": births, "enrolment": list(lists)}
    return register(home, **({"school": SCHOOLS} | people | tables))


def groups(found: OutOfSchool) -> dict[str, set[int]]:
    return {group: set(rows["learner_id"]) for group, rows in found.children.groupby("group")}


def ids(*children: Any) -> set[int]:
    return {c.learner_id for c in children}


def test_compulsory_age_is_from_entering_the_seventh_year_until_entering_the_sixteenth(tmp_path: Path) -> None:
    found = out_of_school(district(tmp_path), SETTINGS, AS_OF, "compulsory")
    assert groups(found) == {"out_of_school": ids(MALI, KONG, BAIBUA, FAH)}
    assert found.children.set_index("learner_id")["age"].to_dict() == {101: 15, 102: 14, 103: 9, 104: 7}
    # In January they are as old as in December: the year counts in which the academic year began.
    assert groups(out_of_school(Store(tmp_path), SETTINGS, date(2025, 1, 20))) == groups(found)


def test_each_definition_counts_its_own_children(tmp_path: Path) -> None:
    store = district(tmp_path)
    counted = {name: groups(out_of_school(store, SETTINGS, AS_OF, name)).get("out_of_school") for name in DEFINITIONS}
    assert counted == {
        "compulsory": ids(MALI, KONG, BAIBUA, FAH),
        "moe_15_17": ids(MALI, EK, NUNG),
        "oosc_3_18": ids(MALI, KONG, BAIBUA, FAH, SAI, EK, NUNG),
        "uis_6_17": ids(MALI, KONG, BAIBUA, FAH, EK, NUNG),
    }


def test_enrolled_is_on_a_list_of_any_agency_that_stands(tmp_path: Path) -> None:
    lists = [
        listed(KONG.learner_id, JUNE, school_id=THERE),
        listed(BAIBUA.learner_id, JUNE, "floating"),
        listed(FAH.learner_id, JUNE, "leave_of_absence"),
        listed(MALIS, JUNE),
    ]
    store = district(tmp_path, *lists, exit=[taken_off("withdrew", date(2024, 9, 1))])
    assert groups(out_of_school(store, SETTINGS, AS_OF, "compulsory")) == {
        "enrolled": ids(KONG, FAH), "out_of_school": ids(MALI, BAIBUA),
    }  # fmt: skip
    assert groups(out_of_school(store, SETTINGS, AS_OF, "oosc_3_18"))["enrolled"] == ids(KONG, FAH, BAIBUA)
    # At the census of June Mali was still there: the ministry's indicator counts her.
    assert groups(out_of_school(store, SETTINGS, AS_OF, "moe_15_17"))["enrolled"] == {MALIS}


def test_the_census_counts_lists_from_its_day_and_for_some_weeks(tmp_path: Path) -> None:
    early, late = listed(MALIS, date(2024, 6, 9)), listed(EK.learner_id, date(2024, 8, 24))
    too_late = listed(NUNG.learner_id, date(2024, 8, 25))
    found = out_of_school(district(tmp_path, early, late, too_late), SETTINGS, AS_OF, "moe_15_17")
    assert groups(found)["enrolled"] == {EK.learner_id}


def test_until_the_first_list_of_a_census_is_there_the_one_before_counts(tmp_path: Path) -> None:
    store = district(tmp_path, listed(MALIS, JUNE), population=[person(c, date(2025, 1, 1)) for c in BORN])
    assert groups(out_of_school(store, SETTINGS, date(2025, 6, 12), "moe_15_17"))["enrolled"] == {MALIS}
    add(store, "next", enrolment=[listed(NUNG.learner_id, NEXT_JUNE, school_id=THERE)])
    now = groups(out_of_school(store, SETTINGS, date(2025, 6, 12), "moe_15_17"))
    assert now["out_of_school"] == ids(MALI, KONG, EK)  # a year older: Kong is 15 now, Nueng 18


def test_non_formal_education_and_kindergarten_do_not_count_for_uis(tmp_path: Path) -> None:
    schools = [{**SCHOOL, "agency": "สพฐ."}, {**SCHOOL, "school_id": THERE, "agency": "สกร."}]
    lists = [listed(MALIS, JUNE, school_id=THERE, grade="ม.3"), listed(FAH.learner_id, JUNE, grade="อ.3"),
             listed(KONG.learner_id, JUNE)]  # fmt: skip
    store = district(tmp_path, *lists, school=schools)
    assert groups(out_of_school(store, SETTINGS, AS_OF, "uis_6_17"))["enrolled"] == ids(KONG)
    assert groups(out_of_school(store, SETTINGS, AS_OF, "compulsory"))["enrolled"] == ids(KONG, MALI, FAH)


def test_who_finished_year_three_is_past_compulsory_schooling_but_not_past_school(tmp_path: Path) -> None:
    spring = date(2024, 3, 31)
    store = district(
        tmp_path,
        listed(MALIS, spring, grade="ม.3"),
        listed(KONG.learner_id, spring, grade="ป.6"),
        exit=[taken_off("graduated", spring), taken_off("graduated", spring, learner_id=KONG.learner_id)],
    )
    found = out_of_school(store, SETTINGS, AS_OF, "compulsory")
    assert groups(found) == {"finished": {MALIS}, "out_of_school": ids(KONG, BAIBUA, FAH)}
    assert MALIS in groups(out_of_school(store, SETTINGS, AS_OF, "moe_15_17"))["out_of_school"]


def test_nobody_looks_for_who_died_or_went_abroad(tmp_path: Path) -> None:
    off = [taken_off("died", date(2024, 7, 1)), taken_off("moved_abroad", date(2024, 7, 1), learner_id=KONG.learner_id)]
    lists = [listed(MALIS, JUNE), listed(KONG.learner_id, JUNE)]
    found = out_of_school(district(tmp_path, *lists, exit=off), SETTINGS, AS_OF, "compulsory")
    assert groups(found)["finished"] == ids(MALI, KONG)


def test_the_latest_extract_counts_and_a_child_who_moved_counts_once(tmp_path: Path) -> None:
    old, new = date(2024, 1, 5), date(2024, 10, 1)
    people = [
        person(MALI, old), person(KONG, old), person(BAIBUA, old, district="ห้วย", subdistrict="ห้วยใหญ่"),
        person(MALI, new, district="ห้วย", subdistrict="ห้วยใหญ่"), person(KONG, AS_OF),
    ]  # fmt: skip
    found = out_of_school(district(tmp_path, population=people), SETTINGS, AS_OF)
    # The extract of ทุ่ง is of January, that of ห้วย of October; Baibua is not on the newer one.
    assert found.extracts == (old, new)
    assert found.children.set_index("learner_id")["district"].to_dict() == {MALIS: "ห้วย", KONG.learner_id: "ทุ่ง"}


def test_a_child_without_a_birth_date_is_told_and_not_guessed(tmp_path: Path) -> None:
    births = [{"learner_id": MALIS, "known_on": JUNE, "birth_date": BORN[MALI]},
              {"learner_id": KONG.learner_id, "known_on": AS_OF, "birth_date": BORN[KONG]}]  # fmt: skip
    found = out_of_school(district(tmp_path, learner=births), SETTINGS, AS_OF)
    assert (found.unknown_age, groups(found)) == (6, {"out_of_school": {MALIS}})


def test_an_unknown_definition_and_a_missing_extract_say_what_to_do(tmp_path: Path) -> None:
    store = district(tmp_path)
    with pytest.raises(RaksaError, match="Did you mean 'compulsory'"):
        out_of_school(store, SETTINGS, AS_OF, "compulsary")
    with pytest.raises(RaksaError, match=r"No extract of the civil register is known before 2024-06-10.*raksa ingest"):
        out_of_school(store, SETTINGS, JUNE)


# ------------------------------------------------------------------------------------------------ counts
def many(home: Path, sizes: dict[tuple[str, str], tuple[int, int]]) -> OutOfSchool:
    """Children of compulsory age: for each district and subdistrict how many are enrolled, and how many are not."""
    people, births, lists, number = [], [], [], 1000
    for (where, sub), (enrolled, out) in sizes.items():
        for n in range(enrolled + out):
            number += 1
            people.append({"learner_id": number, "listed_on": JUNE, "province": "ตัวอย่าง", "district": where,
                           "subdistrict": sub})  # fmt: skip
            births.append({"learner_id": number, "known_on": JUNE, "birth_date": date(2012, 5, 5)})
            if n < enrolled:
                lists.append(listed(number, JUNE))
    store = register(home, school=SCHOOLS, population=people, learner=births, enrolment=lists)
    return out_of_school(store, SETTINGS, AS_OF)


def test_counts_add_up_at_every_level(tmp_path: Path) -> None:
    sizes = {("ก", "หนึ่ง"): (20, 6), ("ก", "สอง"): (30, 2), ("ข", "สาม"): (12, 9)}
    found = many(tmp_path, sizes)
    assert found.counts("subdistrict", hide_small=False).to_dict("records") == [
        {"province": "ตัวอย่าง", "district": d, "subdistrict": s, "population": e + o, "enrolled": e, "finished": 0,
         "out_of_school": o, "share": o / (e + o)}
        for (d, s), (e, o) in sorted(sizes.items())
    ]  # fmt: skip
    for level, rows in (("district", 2), ("province", 1)):
        whole = found.counts(level, hide_small=False)
        assert (len(whole), whole["population"].sum(), whole["out_of_school"].sum()) == (rows, 79, 17)
    assert len(found.missing) == 17


places = st.dictionaries(
    st.tuples(st.sampled_from("กขค"), st.sampled_from("หยร")), st.tuples(st.integers(0, 30), st.integers(0, 12)),
    min_size=1,
)  # fmt: skip


@more_or_less(max_examples=40, deadline=None)
@given(places)
@example({("ก", "ห"): (2, 1), ("ข", "ห"): (12, 8), ("ค", "ห"): (7, 23), ("ค", "ย"): (30, 6)})
def test_a_hidden_number_cannot_be_worked_out(sizes: dict[tuple[str, str], tuple[int, int]]) -> None:
    rows = [
        {"learner_id": n, "province": "ตัวอย่าง", "district": d, "subdistrict": s, "group": group}
        for (d, s), (enrolled, out) in sizes.items()
        for group, count in (("enrolled", enrolled), ("out_of_school", out))
        for n in range(count)
    ]
    if not rows:
        return
    found = OutOfSchool(DEFINITIONS["compulsory"], AS_OF, (), 0, Store(Path()), pd.DataFrame(rows))
    parts = ["enrolled", "finished", "out_of_school"]
    shown = {level: found.counts(level) for level in module.PLACES}
    for level, by in (("subdistrict", ["district"]), ("district", ["province"])):
        whole, seen = found.counts(level, hide_small=False), shown[level]
        above = shown["district" if level == "subdistrict" else "province"].set_index(by[0])
        visible = seen[["population", *parts]].notna()
        assert (whole[["population", *parts]].where(visible).min().min() >= 5) | (~visible).all().all()
        # Along the row: the hidden parts of a shown population are several and add to five or more.
        for truth, row in zip(whole.to_dict("records"), seen.to_dict("records"), strict=True):
            hidden = [truth[p] for p in parts if np.isnan(row[p])]
            if hidden and not np.isnan(row["population"]):
                assert len(hidden) >= 2 and sum(hidden) >= 5
            if np.isnan(row["population"]):
                assert len(hidden) == len(parts)
            assert np.isnan(row["share"]) or not np.isnan(row["out_of_school"])
        # Down the column: so are the hidden places of a total that is shown.
        for family, own in whole.groupby(by[0]):
            for column in ["population", *parts]:
                hidden = own.loc[seen.loc[own.index, column].isna(), column]
                total = float(above[column].loc[family])
                if len(hidden) and not np.isnan(total):
                    assert len(hidden) == len(own) or (len(hidden) >= 2 and hidden.sum() >= 5)
                if np.isnan(total):
                    assert len(hidden) == len(own)


def test_a_small_number_of_finished_does_not_hide_how_many_are_out_of_school(tmp_path: Path) -> None:
    counts = many(tmp_path, {("ก", "หนึ่ง"): (40, 9), ("ก", "สอง"): (30, 7)}).counts("subdistrict")
    assert counts[["enrolled", "finished"]].isna().all().all()
    shown = counts.set_index("subdistrict")
    assert shown["out_of_school"].to_dict() == {"หนึ่ง": 9, "สอง": 7}
    assert shown["share"].to_dict() == {"หนึ่ง": 9 / 49, "สอง": 7 / 37}


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_the_workbook_for_the_outside_prints_the_definition_and_hides_small_numbers(tmp_path: Path) -> None:
    found = many(tmp_path / "home", {("ก", "หนึ่ง"): (20, 6), ("ก", "สอง"): (30, 2), ("ข", "สาม"): (12, 9)})
    out_of_school_to_xlsx(found, tmp_path / "out.xlsx")
    held = sheets(tmp_path / "out.xlsx")
    assert list(held) == ["ตำบล subdistrict", "อำเภอ district", "จังหวัด province"]
    how = DEFINITIONS["compulsory"]
    for lines in held.values():
        above = [line[0] for line in lines[:7]]
        assert above[0].startswith("เด็กในเกณฑ์การศึกษาภาคบังคับ")
        assert (how.says_th in above[1], how.says_en in above[2]) == (True, True)
        assert above[3] == "ข้อมูลก่อนวันที่ / as known before: 2 ธ.ค. 2567 / 2 Dec 2024"
        assert "10 มิ.ย. 2567" in above[4]
    assert held["ตำบล subdistrict"][9][:3] == ["ตัวอย่าง", "ก", "สอง"]
    assert held["ตำบล subdistrict"][9][-2:] == ["ปกปิด / hidden", "ปกปิด / hidden"]


def test_only_the_workbook_for_those_who_may_see_them_names_children(tmp_path: Path) -> None:
    known = {"learner_id": MALIS, "known_on": JUNE, "id_type": "citizen", "id_number": MALI.citizen_id,
             "prefix": "เด็กหญิง", "first_name": "=มะลิ", "last_name": "ใจดี", "guardian_name": "สมใจ ใจดี",
             "guardian_relation": "ยาย", "phone": "0800000000"}  # fmt: skip
    later = {"learner_id": MALIS, "known_on": date(2024, 7, 1), "first_name": "มะลิ", "address": "12/3 หมู่ 5"}
    too_late = {"learner_id": MALIS, "known_on": AS_OF, "first_name": "มาลี"}
    spring = listed(MALIS, date(2024, 3, 31), grade="ม.2")
    store = district(tmp_path / "home", spring, identity=[known, later, too_late])
    found = out_of_school(store, SETTINGS, AS_OF)
    out_of_school_to_xlsx(found, tmp_path / "counts.xlsx")
    assert "มะลิ" not in str(sheets(tmp_path / "counts.xlsx"))
    out_of_school_to_xlsx(found, tmp_path / "people.xlsx", people=True)
    children = sheets(tmp_path / "people.xlsx")["เด็ก children"]
    assert [line[0] for line in children[7:]] == ["ชื่อ-นามสกุล / name", "เด็กหญิงมะลิ ใจดี", "", "", ""]
    assert children[8] == [
        "เด็กหญิงมะลิ ใจดี", "9-10xx-xxxxx-xx-1", 15, "12/3 หมู่ 5", "ตัวอย่าง", "ทุ่ง", "นาดี", "สมใจ ใจดี ยาย", "0800000000",
        "โรงเรียนไม่ได้ส่งบัญชีของปีนี้ / the school sent no list this year", "โรงเรียนบ้านทดลอง (99010001)", "ม.2",
        "31 มี.ค. 2567", "",
    ]  # fmt: skip
