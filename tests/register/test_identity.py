"""Which child a row is about: what links rows to one child, and what must never make one child of two."""

from __future__ import annotations

from pathlib import Path

import pytest
from cast import BAIBUA, KONG, MALI, NUNG, PA_PHAI, THUNG_NA
from school_files import BORN, NUMBERS, daily, dmc, dmc_row, marks, rows, schools, sgs, sgs_row, take

from register.convert import id_alias
from register.identity import Known

JUNE, NOVEMBER, NEXT_JUNE = "10/06/2567", "10/11/2567", "10/06/2568"
MISTYPED = MALI.citizen_id[:-1] + "9"
G_CODE = "G642400000001"


def lists(tmp_path: Path, *parts: tuple[str, list], together: bool = True):
    """The store after pupil lists, imported in one go or one by one."""
    files = [dmc(tmp_path / f"{n}.xlsx", lines, day) for n, (day, lines) in enumerate(parts)]
    home = tmp_path / ("one" if together else "many")
    if together:
        return take(home, schools(tmp_path), *files)[0]
    take(home, schools(tmp_path))
    for file in files:
        store, _ = take(home, file)
    return store


def learners(store) -> list[int]:
    """Learner of each list row, by the day of the list, then by the child's name."""
    called = {r["source"] + str(r["learner_id"]): r["first_name"] for r in store.read("identity").to_pylist()}
    held = store.read("enrolment").to_pylist()
    held.sort(key=lambda r: (r["listed_on"], called[r["source"] + str(r["learner_id"])]))
    return [r["learner_id"] for r in held]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    "ids",
    [
        (MALI.citizen_id, MISTYPED, MALI.citizen_id), (MISTYPED, MALI.citizen_id, MISTYPED),
        ("-", MALI.citizen_id, "-"),
        (MALI.citizen_id, "-", "ไม่มี"), (G_CODE, MALI.citizen_id, G_CODE), (G_CODE, "-", MALI.citizen_id),
        ("9-1000-00000-01-1", "๙๑๐๐๐๐๐๐๐๐๐๑๑", f'="{MALI.citizen_id}"'), ("1.1E+12", MALI.citizen_id, "AB123456"),
    ],
)  # fmt: skip
def test_one_number_and_birth_date_make_one_child_of_mistyped_empty_and_g_codes(tmp_path, ids, together):
    days = (JUNE, NOVEMBER, NEXT_JUNE)
    store = lists(
        tmp_path, *((day, [dmc_row(MALI, id=i)]) for day, i in zip(days, ids, strict=True)), together=together
    )
    assert len(set(learners(store))) == 1
    assert store.read("enrolment").num_rows == 3


@pytest.mark.parametrize("together", [True, False])
def test_mali_is_one_child_in_two_schools_by_her_citizen_id_alone(tmp_path, together):
    moved = dmc_row(MALI, number="77", รหัสโรงเรียน=PA_PHAI, วันเกิด="-")
    store = lists(tmp_path, (JUNE, [dmc_row(MALI)]), (NOVEMBER, [moved]), together=together)
    assert len(set(learners(store))) == 1


@pytest.mark.parametrize("together", [True, False])
def test_who_comes_with_a_mistyped_id_is_joined_when_the_right_one_arrives(tmp_path, together):
    first = dmc_row(MALI, id=MISTYPED, number="77", รหัสโรงเรียน=PA_PHAI)
    then = dmc_row(MALI, number="77", รหัสโรงเรียน=PA_PHAI)
    parts = (JUNE, [dmc_row(MALI)]), (NOVEMBER, [first]), ("31/03/2568", [then])
    store = lists(tmp_path, *parts, together=together)
    line = (PA_PHAI, "77", "10/11/2567", "ขาด")
    store, report = take(store.home, daily(tmp_path / "d.csv", [line]))
    assert report.files[0].kept == 1
    (page,) = store.read("roll").to_pylist()
    june, november, march = learners(store)
    assert page["learner_id"] == june == march
    # What an earlier import wrote under the mistyped id stays there; her marks and results find her all the same.
    assert (november == june) is together


def test_twins_with_one_birth_date_stay_two(tmp_path):
    assert BORN[KONG.learner_id] == BORN[NUNG.learner_id]
    for ids in ((KONG.citizen_id, NUNG.citizen_id), ("-", "-"), (KONG.citizen_id, "-")):
        folder = tmp_path / "".join(ids)
        folder.mkdir()
        store = lists(folder, (JUNE, [dmc_row(KONG, id=ids[0]), dmc_row(NUNG, id=ids[1])]))
        assert len(set(learners(store))) == 2


@pytest.mark.parametrize("nothing", ["ไม่มี", "0", "-", "1111111111111", "0000000000000", "1.1E+12", "ไม่ทราบ", "x", "12"])
def test_what_is_written_for_no_number_never_makes_one_child_of_two(tmp_path, nothing):
    store = lists(tmp_path, (JUNE, [dmc_row(MALI, id=nothing), dmc_row(KONG, id=nothing)]))
    assert rows(store, "enrolment", "learner_id") == [("ก้อง",), ("มะลิ",)]
    assert len(set(learners(store))) == 2


@pytest.mark.parametrize("together", [True, False])
def test_one_mistyped_id_on_two_children_names_neither(tmp_path, together):
    same = "9100000000019"
    parts = (JUNE, [dmc_row(MALI, id=same), dmc_row(BAIBUA)]), (NOVEMBER, [dmc_row(MALI), dmc_row(BAIBUA, id=same)])
    store = lists(tmp_path, *parts, together=together)
    mali, baibua, mali_later, baibua_later = [learners(store)[i] for i in (0, 1, 2, 3)]
    assert (mali, baibua) == (mali_later, baibua_later) and mali != baibua


def test_one_right_id_on_two_rows_of_a_list_refuses_the_earlier(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(KONG, id=MALI.citizen_id), dmc_row(MALI), dmc_row(BAIBUA)])
    store, report = take(tmp_path / "home", schools(tmp_path), people)
    assert (report.files[1].rows, report.files[1].kept) == (3, 2)
    assert report.files[1].refused == {"same_key_twice": 1}
    assert rows(store, "enrolment", "learner_id", "student_number") == [
        ("มะลิ", NUMBERS[MALI.learner_id]), ("ใบบัว", NUMBERS[BAIBUA.learner_id]),
    ]  # fmt: skip
    (refused,) = store.refused(report.snapshot).to_pylist()
    assert "ก้อง" in refused["cells"]


def test_a_row_that_merely_stands_twice_is_counted(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people)
    assert (report.files[1].kept, report.files[1].warnings) == (2, {"same_row_twice": 1})
    assert store.read("enrolment").num_rows == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_school_number_given_again_belongs_to_each_child_in_her_year(tmp_path, together):
    again = dmc_row(KONG, number=NUMBERS[MALI.learner_id])
    store = lists(tmp_path, (JUNE, [dmc_row(MALI)]), (NEXT_JUNE, [again]), together=together)
    one = (THUNG_NA, NUMBERS[MALI.learner_id])
    lines = [(*one, "16/05/2567", "ขาด"), (*one, "16/05/2568", "สาย"), (*one, "16/05/2566", "มา")]
    store, report = take(store.home, daily(tmp_path / "d.csv", lines))
    assert (marks(store, "มะลิ", 1), marks(store, "ก้อง", 1, year=2568)) == ("A", "T")
    assert report.files[0].refused == {"number_of_several": 1}
    earlier = dmc(tmp_path / "z.xlsx", [dmc_row(MALI)], "10/06/2566")
    store, report = take(store.home, earlier, tmp_path / "d.csv")  # the list that was missing cures the file
    assert marks(store, "มะลิ", 1, year=2566) == "P"


def test_an_unknown_child_with_a_right_id_is_not_taken_for_the_one_who_had_her_number(tmp_path):
    store = lists(tmp_path, (JUNE, [dmc_row(MALI)]))
    header = "รหัสโรงเรียน,เลขประจำตัวประชาชน,เลขประจำตัวนักเรียน,ชั้น,วันที่จำหน่าย,สาเหตุ\n"
    file = tmp_path / "e.csv"
    file.write_text(header + f"{THUNG_NA},{KONG.citizen_id},{NUMBERS[MALI.learner_id]},ม.3,10/11/2567,ลาออก\n")
    _, report = take(store.home, file)
    assert report.files[0].refused == {"unknown_learner": 1}


def test_results_of_a_child_nobody_listed_wait_for_her_list(tmp_path):
    results = sgs(tmp_path / "s.xls", [sgs_row(MALI), sgs_row(KONG)])
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), results)
    assert (report.files[2].kept, report.files[2].refused) == (1, {"unknown_learner": 1})
    store, report = take(tmp_path / "home", dmc(tmp_path / "b.xlsx", [dmc_row(KONG)]), results)
    assert (report.files[1].kept, report.files[1].refused) == (2, {})
    assert rows(store, "result", "learner_id") == [("ก้อง",), ("มะลิ",)]


@pytest.mark.parametrize(
    ("written", "alias"),
    [
        ("9-1000-00000-01-1", "citizen:9100000000011"), ("๙๑๐๐๐๐๐๐๐๐๐๑๑", "citizen:9100000000011"),
        ("g 6424-00000001", "g:G642400000001"), ("PA 1234567", "other:pa1234567"),
        ("18199..968591", None), ("1-23xx-xxxxx-xx-3", None),
        ("1.10E+12", None), ("-", None), ("ไม่มีเลข", None), ("0000000000000", None), ("77777777", None),
    ],
)  # fmt: skip
def test_what_counts_as_a_number_of_ones_own(written, alias):
    assert id_alias(written) == alias


def test_a_key_of_ones_own_is_certain():
    who = Known("k")
    assert who.learn("key:7", None, None, 2567) == who.learn("key:7", None, None, 2568) == who.find("key:7", None, None)
    assert who.find("key:8", None, None) is None
