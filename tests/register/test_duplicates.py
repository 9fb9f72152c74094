"""One child once: who is suggested as one child and who never is, what a person's decision does, and the list of
children on two lists. The children are those of tests/cast.py, the slips those real lists have."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter
from cast import BAIBUA, CHAI_DAEN, EK, FAH, KONG, MALI, NUNG, PA_PHAI, SAI, SCHOOLS, THUNG_NA, Learner
from python_calamine import CalamineWorkbook
from school_files import NOW, NUMBERS, dmc, dmc_row, only, rows, schools, settings, take
from small_register import SETTINGS, add, listed, page, school_days

from benchmarks.linkage import judge, records, register
from features.build import build
from raksa import thai
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import FINDINGS
from register.duplicates import (
    candidates,
    candidates_to_xlsx,
    decide,
    decisions_from_xlsx,
    listed_twice,
    listed_twice_to_xlsx,
    shown,
)
from register.linkage import _certain, _key

JUNE, NOVEMBER = date(2024, 6, 10), date(2024, 11, 10)
BORN = {MALI: date(2008, 2, 29), KONG: date(2009, 3, 1), BAIBUA: date(2009, 12, 5), FAH: date(2012, 6, 2),
        EK: date(2014, 9, 9), NUNG: date(2009, 3, 1)}  # fmt: skip
GUARDIAN = "นางสมใจ ใจดี"
FITS_BY_CHANCE = "9100000000101"  # Mali's id with two digits swapped; its check digit happens to fit
AGAIN = 900  # Mali's second number in these registers


def as_listed(child: Learner, learner: int | None = None, **said: Any) -> dict[str, list[dict[str, Any]]]:
    """The register rows of one child on one list. `said` replaces what the list says; id_number None = no number."""
    learner = learner or child.learner_id
    boy = child.prefix == "เด็กชาย"
    held = {
        "on": JUNE, "school": child.school_id, "first_name": child.first_name, "last_name": child.last_name,
        "prefix": child.prefix, "birth_date": BORN[child], "sex": "male" if boy else "female", "guardian": GUARDIAN,
        "id_number": child.citizen_id, "number": str(learner), "status": "enrolled",
    } | said  # fmt: skip
    kind = held["id_number"] and ("g_code" if held["id_number"].startswith("G") else "citizen")
    alias = {"alias": f"{'g' if kind == 'g_code' else kind}:{held['id_number']}", "learner_id": learner}
    about = {"learner_id": learner, "known_on": held["on"]}
    return {
        "identity": [about | {n: held[n] for n in ("prefix", "first_name", "last_name", "id_number")}
                     | {"id_type": kind, "guardian_name": held["guardian"]}],
        "learner": [about | {"sex": held["sex"], "birth_date": held["birth_date"]}],
        "enrolment": [listed(learner, held["on"], held["status"], school_id=held["school"], grade=child.grade,
                             student_number=held["number"])],
        "identity_alias": [alias] if kind else [],
    }  # fmt: skip


def register_of(home: Path, *people: dict[str, list[dict[str, Any]]]) -> Store:
    """A store with the schools of the cast and these people, one import each."""
    store = Store.create(home, SETTINGS.buckets, "key of the tests")
    about = [{"school_id": s, "name": n, "area_id": a, "agency": "สพฐ."} for s, (n, a) in SCHOOLS.items()]
    add(store, "schools", school=about)
    for n, tables in enumerate(people):
        add(store, str(n), **tables)
    return store


def pairs(store: Store, **more: Any) -> list[tuple[int, int]]:
    found = candidates(store, SETTINGS, **more)
    return list(zip(found["learner_a"].tolist(), found["learner_b"].tolist(), strict=True))


def everybody(*others: dict[str, list[dict[str, Any]]]) -> list[dict[str, list[dict[str, Any]]]]:
    """Mali and four children who are nobody else, and the others."""
    return [as_listed(MALI), *(as_listed(c, guardian=None) for c in (KONG, BAIBUA, FAH, EK)), *others]


def mali_again(**said: Any) -> dict[str, list[dict[str, Any]]]:
    """Mali on another school's list, without a number."""
    return as_listed(MALI, AGAIN, **({"school": PA_PHAI, "id_number": None} | said))


# ------------------------------------------------------------------------------------------------ who is suggested
def test_mali_on_two_schools_lists_stands_side_by_side(tmp_path: Path) -> None:
    store = register_of(tmp_path, *everybody(mali_again(on=date(2025, 6, 10), first_name="มะลี", guardian=None)))
    (row,) = candidates(store, SETTINGS).to_dict("records")
    assert row.pop("probability") > 0.99
    assert {k: v for k, v in row.items() if not pd.isna(v)} == {
        "learner_a": MALI.learner_id, "learner_b": AGAIN,
        "first_name_a": "มะลิ", "first_name_b": "มะลี", "first_name": "close",
        "last_name_a": "ใจดี", "last_name_b": "ใจดี", "last_name": "agrees",
        "birth_date_a": BORN[MALI], "birth_date_b": BORN[MALI], "birth_date": "agrees",
        "sex_a": "female", "sex_b": "female", "sex": "agrees",
        "school_a": "โรงเรียนบ้านทุ่งนา (2567)", "school_b": "โรงเรียนวัดป่าไผ่ (2568)", "school": "close",
        "guardian_a": GUARDIAN, "guardian": "missing", "id_a": "9-10xx-xxxxx-xx-1", "id": "missing",
    }  # fmt: skip
    (line,) = shown(candidates(store, SETTINGS))
    assert line["first_name"] == "มะลิ | มะลี (close)"
    assert line["birth_date"] == "29 ก.พ. 2551 (agrees)"


@pytest.mark.parametrize(
    "said",
    [
        {"first_name": "มะลี"}, {"first_name": "ด.ญ.มะลิ", "prefix": None}, {"first_name": "มละิ"}, {"first_name": "มะ"},
        {"last_name": "ใจตี"}, {"last_name": "ไจดี"}, {"last_name": "มั่นคง"}, {"first_name": "ใจดี", "last_name": "มะลิ"},
        {"birth_date": None}, {"birth_date": date(2008, 1, 1)}, {"birth_date": date(2007, 2, 28)},
        {"birth_date": date(2008, 2, 9)}, {"birth_date": None, "guardian": None}, {"sex": "male"}, {"sex": None},
        {"id_number": "G672400000001"}, {"id_number": MALI.citizen_id[:-1] + "9"}, {"id_number": FITS_BY_CHANCE},
        {"guardian": "สมใจ ใจดี"}, {"guardian": "นายอื่น ใจดี"}, {"school": CHAI_DAEN},
        {"on": NOVEMBER, "school": THUNG_NA}, {"last_name": None, "number": "77"},
    ],
    ids=str,
)  # fmt: skip
def test_mali_written_another_way_is_suggested(tmp_path: Path, said: dict[str, Any]) -> None:
    assert pairs(register_of(tmp_path, *everybody(mali_again(**said)))) == [(MALI.learner_id, AGAIN)]


def test_day_and_month_swapped_is_a_close_birth_date(tmp_path: Path) -> None:
    baibua = as_listed(BAIBUA, AGAIN, id_number=None, school=PA_PHAI, birth_date=date(2009, 5, 12), guardian=None)
    found = candidates(register_of(tmp_path, *everybody(baibua)), SETTINGS)
    assert found[["learner_a", "learner_b", "birth_date"]].to_numpy().tolist() == [[103, AGAIN, "close"]]


def test_being_listed_by_two_schools_on_one_day_speaks_neither_for_nor_against(tmp_path: Path) -> None:
    apart, together = (
        candidates(register_of(tmp_path / str(on), *everybody(mali_again(on=on))), SETTINGS) for on in (NOVEMBER, JUNE)
    )
    assert apart["probability"].tolist() == together["probability"].tolist()
    assert (apart["both_listed_on"].isna().tolist(), together["both_listed_on"].tolist()) == ([True], [JUNE])


def test_two_ids_that_both_fit_are_strong_evidence_against(tmp_path: Path) -> None:
    doubtful = {"birth_date": None, "guardian": None, "school": CHAI_DAEN}
    without = register_of(tmp_path / "one", *everybody(mali_again(**doubtful)))
    another = register_of(tmp_path / "two", *everybody(mali_again(id_number=SAI.citizen_id, **doubtful)))
    assert (pairs(without), pairs(another)) == ([(MALI.learner_id, AGAIN)], [])
    assert candidates(another, SETTINGS, threshold=0)["id"].tolist() == ["differs"]


def test_an_id_one_slip_away_speaks_for_one_child_and_one_far_away_says_nothing(tmp_path: Path) -> None:
    def chance(number: str | None) -> tuple[float, str]:
        again = mali_again(id_number=number, birth_date=None, guardian=None, last_name="ใจดีงาม")
        found = candidates(register_of(tmp_path / str(number), *everybody(again)), SETTINGS, threshold=0)
        row = found[(found["learner_a"] == MALI.learner_id) & (found["learner_b"] == AGAIN)].iloc[0]
        return row["probability"], row["id"]

    nothing, near, far = chance(None), chance("9100000000012"), chance("9555000000013")
    assert (nothing[1], near[1], far[1]) == ("missing", "close", "differs")
    assert near[0] > nothing[0] == far[0]


# ------------------------------------------------------------------------------------------------ who never is
@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(("one", "other"), [("ก้อง", "ภูผา"), ("ก้อง", "กอง"), ("ก้องภูมิ", "ก้องภพ"), ("ก้อง", "ก้องภพ")])
def test_twins_are_never_suggested(tmp_path: Path, one: str, other: str, numbered: bool) -> None:
    ids = (KONG.citizen_id, NUNG.citizen_id) if numbered else (None, None)
    twins = (
        as_listed(KONG, first_name=one, id_number=ids[0]),
        as_listed(KONG, 107, first_name=other, id_number=ids[1]),
    )
    assert pairs(register_of(tmp_path, as_listed(MALI), as_listed(FAH), *twins), threshold=0) == []


def test_who_stands_twice_on_one_list_under_one_name_is_suggested(tmp_path: Path) -> None:
    store = register_of(tmp_path, *everybody(mali_again(school=THUNG_NA, number="77")))
    assert pairs(store) == [(MALI.learner_id, AGAIN)]


def test_twins_in_two_schools_with_quite_different_names_are_not_suggested(tmp_path: Path) -> None:
    other = as_listed(KONG, AGAIN, first_name="ภูผา", school=PA_PHAI, id_number=None)
    assert pairs(register_of(tmp_path, *everybody(other)), threshold=0) == []


def test_a_little_sister_with_a_name_that_begins_alike_is_not_suggested(tmp_path: Path) -> None:
    sister = mali_again(first_name="มะลิวัลย์", birth_date=date(2012, 7, 17))
    assert pairs(register_of(tmp_path, *everybody(sister)), threshold=0) == []


def test_no_register_no_child_one_child_no_pair(tmp_path: Path) -> None:
    nobody = candidates(Store.create(tmp_path / "none", 2), SETTINGS)
    alone = candidates(register_of(tmp_path / "one", as_listed(MALI)), SETTINGS)
    two = candidates(register_of(tmp_path / "two", as_listed(MALI), as_listed(KONG)), SETTINGS)
    assert (len(nobody), len(alone), len(two)) == (0, 0, 0)
    assert list(nobody) == list(alone) == list(two)
    assert {"learner_a", "probability", "school_b", "guardian", "decision"} <= set(nobody)
    candidates_to_xlsx(nobody, tmp_path / "none.xlsx")
    assert candidates(Store.create(tmp_path / "none", 2), SETTINGS, include_decided=True).empty


# ------------------------------------------------------------------------------------------------ many
def test_of_five_thousand_invented_records_nearly_all_pairs_are_found_and_right(tmp_path: Path) -> None:
    people = records(5000, seed=7)
    store = register(people, tmp_path)
    found = candidates(store, SETTINGS)
    judged = judge(people, found)
    assert judged["precision"] > 0.99
    assert judged["recall"] > 0.95
    assert candidates(store, SETTINGS).equals(found)
    alone = SETTINGS.model_copy(update={"jobs": 2})
    assert candidates(store, alone)[["learner_a", "learner_b"]].equals(found[["learner_a", "learner_b"]])


def test_a_register_without_duplicates_teaches_nothing_wrong(tmp_path: Path) -> None:
    people = records(5000, seed=8)
    people = people[people["slips"].map(len) == 0]
    found = candidates(register(people, tmp_path), SETTINGS)
    assert len(found) <= 2


def test_a_thai_letter_is_one_byte_in_a_key_and_no_two_names_share_one() -> None:
    words = ["มะลิ", "มะลี", "ก้อง", "กอง", "ญาณดี", "ฐานมั่น", "Anna", "ขวัญข้าว", "๑๒", "ฃวด", "ๆ"]
    assert [len(_key(w).encode()) for w in words] == [len(thai.search_key(w)) for w in words]
    assert len({_key(w) for w in words}) == len({thai.search_key(w) for w in words})


def test_check_digits_of_many_are_those_of_one(tmp_path: Path) -> None:
    numbers = [c.citizen_id[:-1] + str(d) for c in (MALI, KONG, FAH) for d in range(10)]
    store = Store.create(tmp_path, 2)
    aliases = [{"alias": f"citizen:{n}", "learner_id": i} for i, n in enumerate(numbers)]
    add(store, identity_alias=[*aliases, {"alias": "g:G672400000001", "learner_id": 99}])
    held = _certain(store.read("identity_alias", columns=["learner_id", "alias"]))
    assert sorted(held["id"].to_pylist()) == sorted(n for n in numbers if thai.citizen_checksum_holds(n))


# ------------------------------------------------------------------------------------------------ deciding
def told(store: Store, decision: str, a: int = MALI.learner_id, b: int = AGAIN, **more: Any) -> str:
    said = {"who": "pim", "why": "สูติบัตรใบเดียวกัน", "now": NOW} | more
    return decide(store, a, b, decision, **said)


def test_one_child_from_the_decision_on_and_two_again_after_the_next(tmp_path: Path) -> None:
    days = school_days(2567, 20)
    store = register_of(tmp_path, *everybody(mali_again()))
    mali = {day: "A" if n < 8 else "P" for n, day in enumerate(days)}
    add(store, "marks", roll=[page(MALI.learner_id, 2567, mali, school_id=THUNG_NA)])
    before = store.read("enrolment"), build(store, SETTINGS, NOVEMBER)
    assert pairs(store) == [(MALI.learner_id, AGAIN)]

    told(store, "same", AGAIN, MALI.learner_id)
    now = build(store, SETTINGS, NOVEMBER).set_index("learner_id")
    assert set(store.read("enrolment")["learner_id"].to_pylist()) == {101, 102, 103, 104, 106}
    assert store.read("enrolment").num_rows == before[0].num_rows
    assert list(now.index) == [101, 102, 103, 104, 106]
    assert now.loc[101, "absent_rate_year"] == 0.4
    assert pairs(store) == []
    decided = candidates(store, SETTINGS, include_decided=True)
    assert decided[["learner_b", "decision", "decided_by", "reason"]].to_numpy().tolist() == [
        [AGAIN, "same", "pim", "สูติบัตรใบเดียวกัน"]
    ]

    told(store, "different", now=NOW.replace(hour=9))
    assert store.read("enrolment").equals(before[0])
    assert build(store, SETTINGS, NOVEMBER).equals(before[1])
    assert pairs(store) == []
    assert pairs(store, include_decided=True) == [(MALI.learner_id, AGAIN)]

    told(store, "unknown", now=NOW.replace(hour=10))
    assert candidates(store, SETTINGS)["decision"].tolist() == ["unknown"]


def test_a_decision_about_one_of_two_who_are_one_child_is_one_about_her(tmp_path: Path) -> None:
    third = mali_again(school=CHAI_DAEN)
    third = {name: [row | {"learner_id": 901} for row in held] for name, held in third.items()}
    store = register_of(tmp_path, *everybody(mali_again(), third))
    assert len(pairs(store)) == 3
    told(store, "different", AGAIN, 901)
    told(store, "same", MALI.learner_id, AGAIN)
    assert pairs(store) == []


def test_a_contradiction_is_refused_and_leaves_the_register_as_it_was(tmp_path: Path) -> None:
    store = register_of(tmp_path, *everybody())
    told(store, "same", 101, 102)
    told(store, "different", 102, 103)
    before = store.current()
    with pytest.raises(RaksaError, match="101 and 103 cannot be decided same: learners 102 and 103 are decided"):
        told(store, "same", 101, 103)
    assert store.current() == before


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"b": 5}, "No list names learner 5"), ({"b": 101}, "stands on both sides"),
        ({"decision": "maybe"}, "no decision"),
        ({"who": " "}, "does not say who decides"), ({"why": ""}, "does not say why"),
        ({"now": NOW.replace(tzinfo=None)}, "has no zone"), ({"probability": 1.2}, "not between 0 and 1"),
    ],
)  # fmt: skip
def test_a_decision_must_be_whole(tmp_path: Path, said: dict[str, Any], sentence: str) -> None:
    store = register_of(tmp_path, *everybody(mali_again()))
    with pytest.raises(RaksaError, match=sentence):
        told(store, **({"decision": "same"} | said))
    assert store.read("identity_decision").num_rows == 0


# ------------------------------------------------------------------------------------------------ the workbook
def sheet(path: Path) -> list[list[Any]]:
    held: list[list[Any]] = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return held


def fill(path: Path, to: Path, *answers: dict[str, str], line: int = 0) -> Path:
    """The workbook as a person sends it back: one answer a row, by the English half of a column's title."""
    cells = sheet(path)
    at = {title.rpartition("/")[2].strip(): n for n, title in enumerate(cells[0])}
    while len(cells) <= len(answers):
        cells.append(list(cells[1]))
    for row, answer in zip(cells[1:], answers, strict=False):
        for name, value in answer.items():
            row[at[name]] = value
    with xlsxwriter.Workbook(str(to)) as book:
        out = book.add_worksheet()
        for y, row in enumerate(cells):
            for x, cell in enumerate(row):
                out.write_string(y, x, str(cell))
    return to


def test_an_officer_decides_in_a_workbook_and_sends_it_back(tmp_path: Path) -> None:
    fah = as_listed(FAH, 901, id_number=None, school=CHAI_DAEN, guardian=None)
    store = register_of(tmp_path / "home", *everybody(mali_again(), fah))
    found = candidates(store, SETTINGS)
    candidates_to_xlsx(found, tmp_path / "pairs.xlsx")
    cells = sheet(tmp_path / "pairs.xlsx")
    assert cells[0][:4] == [
        "การตัดสิน / decision",
        "เหตุผล / why",
        "โอกาสเป็นคนเดียวกัน / probability",
        "ชื่อ ก / first_name a",
    ]
    assert cells[0][-2:] == ["ผู้เรียน ก / learner_a", "ผู้เรียน ข / learner_b"]
    assert {tuple(row[-2:]) for row in cells[1:]} == {("101", "900"), ("104", "901")}
    assert not any(MALI.citizen_id in str(cell) for row in cells for cell in row)
    by_learner = {
        "101": {"decision": "คนเดียวกัน", "why": "แม่ยืนยัน"},
        "104": {"decision": "Different", "why": "คนละสูติบัตร"},
    }
    sent = fill(tmp_path / "pairs.xlsx", tmp_path / "sent.xlsx", *(by_learner[row[-2]] for row in cells[1:]))
    report = decisions_from_xlsx(store, sent, who="pim", now=NOW)
    assert (report.rows, report.taken, report.waiting, report.refused) == (2, 2, 0, ())
    held = store.read("identity_decision").to_pylist()
    assert [(r["learner_a"], r["learner_b"], r["decision"], r["reason"], r["decided_by"]) for r in held] == [
        (101, 900, "same", "แม่ยืนยัน", "pim"), (104, 901, "different", "คนละสูติบัตร", "pim"),
    ]  # fmt: skip
    assert [r["probability"] for r in held] == found.sort_values("learner_a")["probability"].tolist()
    assert pairs(store) == []


def test_rows_of_the_workbook_are_taken_refused_or_wait(tmp_path: Path) -> None:
    store = register_of(tmp_path / "home", *everybody(mali_again()))
    candidates_to_xlsx(candidates(store, SETTINGS), tmp_path / "p.xlsx")
    why = {"why": "ดูเอกสารแล้ว"}
    answers = (
        {"decision": ""}, {"decision": "ใช่", **why}, {"decision": "same"},
        {"decision": "same", "learner_b": "77", **why}, {"decision": "same", "learner_a": "9E+17", **why},
        {"decision": "ยังไม่ทราบ / unknown", **why},
        {"decision": "คนละคน", **why},
    )  # fmt: skip
    sent = fill(tmp_path / "p.xlsx", tmp_path / "s.xlsx", *answers)
    report = decisions_from_xlsx(store, sent, who="pim", now=NOW)
    assert (report.rows, report.taken, report.waiting) == (7, 1, 1)
    starts = [("line 3", "'ใช่' is no decision"), ("line 4", "does not say why"), ("line 5", "No list names learner 77"),
              ("line 6", "'9E+17' is no learner"), ("line 8", "Line 7 is about the same two learners")]  # fmt: skip
    for sentence, (line, what) in zip(report.refused, starts, strict=True):
        assert sentence.startswith(f"s.xlsx, {line}: ") and what in sentence
    assert store.read("identity_decision")["decision"].to_pylist() == ["unknown"]


def test_a_workbook_with_nothing_decided_changes_nothing(tmp_path: Path) -> None:
    store = register_of(tmp_path / "home", *everybody(mali_again()))
    candidates_to_xlsx(candidates(store, SETTINGS), tmp_path / "p.xlsx")
    before = store.current()
    report = decisions_from_xlsx(store, tmp_path / "p.xlsx", who="pim", now=NOW)
    assert (report.snapshot, report.waiting, store.current()) == (None, 1, before)


def test_another_workbook_is_no_decisions(tmp_path: Path) -> None:
    store = register_of(tmp_path / "home", *everybody())
    other = dmc(tmp_path / "dmc.xlsx", [dmc_row(MALI)])
    with pytest.raises(RaksaError, match=r"dmc\.xlsx has no row of titles with decision"):
        decisions_from_xlsx(store, other, who="pim", now=NOW)


def test_what_a_list_says_is_never_a_formula(tmp_path: Path) -> None:
    store = register_of(tmp_path / "home", *everybody(mali_again(guardian="=1+1 ใจดี")))
    candidates_to_xlsx(candidates(store, SETTINGS), tmp_path / "p.xlsx")
    assert "=1+1 ใจดี" in sheet(tmp_path / "p.xlsx")[1]


# ------------------------------------------------------------------------------------------------ listed twice
def two_lists(home: Path, *more: dict[str, Any], day: date = JUNE) -> Store:
    """Mali on the lists of Thung Na (10 June) and Pa Phai (`day`) under one id."""
    again = as_listed(MALI, school=PA_PHAI, on=day, number="77")
    again["identity_alias"] = []
    store = register_of(home, as_listed(MALI, number="1101"), as_listed(KONG), again)
    for n, tables in enumerate(more):
        add(store, f"more {n}", **tables)
    return store


def test_mali_stands_on_two_lists_of_one_census(tmp_path: Path) -> None:
    days = school_days(2567, 40)
    marks = dict.fromkeys(days[:9], "P") | {days[9]: "T", days[10]: "A"}
    store = two_lists(
        tmp_path, {"roll": [page(MALI.learner_id, 2567, marks, school_id=PA_PHAI)]}, day=date(2024, 6, 25)
    )
    found = listed_twice(store, SETTINGS, date(2024, 9, 2))
    about = {"learner_id": 101, "census_day": JUNE, "agency": "สพฐ.", "area_id": "2401", "area": "2401", "grade": "ม.3",
             "room": "1", "status": "enrolled", "prefix": "เด็กหญิง", "first_name": "มะลิ", "last_name": "ใจดี",
             "id_number": None, "finding": None, "found_on": None}  # fmt: skip
    assert found.to_dict("records") == [
        about | {"school_id": THUNG_NA, "school": "โรงเรียนบ้านทุ่งนา", "student_number": "1101", "listed_on": JUNE,
                 "also_at": "โรงเรียนวัดป่าไผ่", "last_attended_on": None},
        about | {"school_id": PA_PHAI, "school": "โรงเรียนวัดป่าไผ่", "student_number": "77",
                 "listed_on": date(2024, 6, 25), "also_at": "โรงเรียนบ้านทุ่งนา", "last_attended_on": days[9]},
    ]  # fmt: skip
    early = listed_twice(store, SETTINGS, days[4])
    assert early.empty and list(early) == list(found)


def test_who_moved_between_two_censuses_stands_on_one_list_of_each(tmp_path: Path) -> None:
    assert listed_twice(two_lists(tmp_path, day=NOVEMBER), SETTINGS, date(2025, 1, 6)).empty


def test_a_list_that_no_longer_names_her_takes_her_off(tmp_path: Path) -> None:
    later = as_listed(NUNG, on=date(2024, 7, 1))
    store = two_lists(tmp_path, later)
    assert len(listed_twice(store, SETTINGS, date(2024, 7, 1))) == 2
    assert listed_twice(store, SETTINGS, date(2024, 7, 2)).empty


def test_an_exit_counts_from_the_day_it_was_known(tmp_path: Path) -> None:
    known = date(2024, 8, 5)
    left = {
        "learner_id": 101,
        "school_id": THUNG_NA,
        "left_on": date(2024, 7, 1),
        "cause": "moved_school",
        "known_on": known,
    }
    store = two_lists(tmp_path, {"exit": [left]})
    assert len(listed_twice(store, SETTINGS, known)) == 2
    assert listed_twice(store, SETTINGS, date(2024, 8, 6)).empty


def test_who_left_and_was_listed_again_stands_there(tmp_path: Path) -> None:
    left = {"learner_id": 101, "school_id": THUNG_NA, "left_on": date(2024, 3, 31), "cause": "unknown",
            "known_on": date(2024, 3, 31)}  # fmt: skip
    assert len(listed_twice(two_lists(tmp_path, {"exit": [left]}), SETTINGS, date(2024, 9, 2))) == 2


@pytest.mark.parametrize(("status", "rows_found"), [("floating", 2), ("graduated", 0), ("left", 0), ("moved", 0)])
def test_on_the_books_are_enrolled_and_floating(tmp_path: Path, status: str, rows_found: int) -> None:
    again = as_listed(MALI, school=PA_PHAI, status=status)
    store = register_of(tmp_path, as_listed(MALI), again | {"identity_alias": []})
    assert len(listed_twice(store, SETTINGS, date(2024, 9, 2))) == rows_found


def test_two_learners_decided_to_be_one_child_stand_on_two_lists(tmp_path: Path) -> None:
    store = register_of(tmp_path, *everybody(mali_again()))
    assert listed_twice(store, SETTINGS, date(2024, 9, 2)).empty
    told(store, "same")
    found = listed_twice(store, SETTINGS, date(2024, 9, 2))
    assert found[["learner_id", "school_id"]].to_numpy().tolist() == [[101, THUNG_NA], [101, PA_PHAI]]


def test_nobody_is_listed_twice_in_an_empty_register(tmp_path: Path) -> None:
    found = listed_twice(Store.create(tmp_path, 2), SETTINGS, JUNE)
    listed_twice_to_xlsx(found, tmp_path / "none.xlsx")
    assert found.empty and len(sheet(tmp_path / "none.xlsx")) == 1


def test_the_schools_answer_and_the_register_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lists = [dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(FAH)]),
             dmc(tmp_path / "b.xlsx", [dmc_row(MALI, รหัสโรงเรียน=CHAI_DAEN, number="-"), dmc_row(KONG)])]  # fmt: skip
    store, _ = take(home, schools(tmp_path), *lists)
    asked = settings(home)
    found = listed_twice(store, asked, date(2024, 9, 2))
    assert list(zip(found["school_id"], found["student_number"], found["id_number"], strict=True)) == [
        (THUNG_NA, NUMBERS[101], None), (CHAI_DAEN, None, MALI.citizen_id),
    ]  # fmt: skip
    listed_twice_to_xlsx(found, tmp_path / "list.xlsx")
    assert sheet(tmp_path / "list.xlsx")[0][:3] == ["ผลการติดตาม / finding", "วันที่ติดตาม / looked on", "หมายเหตุ / remark"]

    answer = {"finding": "100 พบตัว กำลังเรียนอยู่", "looked on": "9 ก.ย. 2567", "remark": "มาเรียนทุกวัน"}
    sent = fill(tmp_path / "list.xlsx", tmp_path / "sent.xlsx", answer)
    store, report = take(home, sent)
    assert (only(report).format, only(report).kept, dict(only(report).refused)) == (
        "follow_up_list",
        1,
        {"no_finding": 1},
    )
    sent = fill(tmp_path / "list.xlsx", tmp_path / "again.xlsx", answer, {"finding": "203", "looked on": "10/09/2567"})
    store, report = take(home, sent)
    assert (only(report).kept, dict(only(report).refused)) == (2, {})
    assert rows(store, "follow_up", "learner_id", "school_id", "known_on", "finding", "note") == [
        ("มะลิ", THUNG_NA, date(2024, 9, 9), "found", "มาเรียนทุกวัน"),
        ("มะลิ", CHAI_DAEN, date(2024, 9, 10), "moved", None),
    ]  # fmt: skip
    after = listed_twice(store, asked, date(2024, 9, 10))
    assert after["finding"].tolist() == ["found", None]


@pytest.mark.parametrize("code", FINDINGS)
def test_every_choice_of_the_list_is_understood(tmp_path: Path, code: str) -> None:
    home = tmp_path / "home"
    moved = dmc_row(MALI, รหัสโรงเรียน=CHAI_DAEN, number="55")
    store, _ = take(
        home, schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), dmc(tmp_path / "b.xlsx", [moved])
    )
    listed_twice_to_xlsx(listed_twice(store, settings(home), date(2024, 9, 2)), tmp_path / "l.xlsx")
    (choice,) = [c for c in choices(tmp_path / "l.xlsx") if c.startswith(FINDINGS[code].partition(":")[0])]
    _, _, word = choice.partition(" ")
    both = [{"finding": said, "looked on": "09/09/2567"} for said in (choice, word)]
    store, _ = take(home, fill(tmp_path / "l.xlsx", tmp_path / "s.xlsx", *both))
    assert store.read("follow_up")["finding"].to_pylist() == [code, code]


def choices(path: Path) -> list[str]:
    """What the first column of a workbook offers to choose from."""
    with zipfile.ZipFile(path) as packed:
        text = packed.read("xl/worksheets/sheet1.xml").decode()
    (listed_words,) = re.findall(r"<formula1>\"(.*?)\"</formula1>", text.replace("&quot;", '"'))
    return str(listed_words).split(",")


def test_the_workbook_of_pairs_offers_three_decisions(tmp_path: Path) -> None:
    store = register_of(tmp_path / "home", *everybody(mali_again()))
    candidates_to_xlsx(candidates(store, SETTINGS), tmp_path / "p.xlsx")
    assert choices(tmp_path / "p.xlsx") == ["คนเดียวกัน", "คนละคน", "ยังไม่ทราบ"]
    ids = [column.partition(" ")[0] for column in sheet(tmp_path / "p.xlsx")[0]].index("ผู้เรียน")
    with zipfile.ZipFile(tmp_path / "p.xlsx") as packed:
        held = packed.read("xl/worksheets/sheet1.xml").decode()
    assert re.findall(r'<col min="(\d+)" max="(\d+)"[^>]*hidden="1"', held) == [(str(ids + 1), str(ids + 2))]


def test_decisions_are_dated_in_the_zone_they_were_made(tmp_path: Path) -> None:
    store = register_of(tmp_path, *everybody(mali_again()))
    snapshot = told(store, "same", now=datetime(2026, 1, 5, 8, tzinfo=UTC), probability=0.97)
    (row,) = store.read("identity_decision").to_pylist()
    assert (row["decided_at"], row["probability"]) == ("2026-01-05T08:00:00+00:00", 0.97)
    assert store.current().snapshots[-1] == snapshot
