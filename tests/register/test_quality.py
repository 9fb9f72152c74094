"""How good the register's data are: each measure on children one can count, and on a demo area beside another way."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import chromium
from cast import BAIBUA, FAH, KONG, MALI, NUNG, PA_PHAI, THUNG_NA
from playwright.sync_api import sync_playwright
from python_calamine import CalamineWorkbook
from school_files import dmc, dmc_row, schools, settings, take
from small_register import SCHOOL, SETTINGS, add, listed, page, register, school_days

from features.build import build
from features.readiness import cannot_score
from raksa import thai
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL
from register.quality import (
    DIMENSIONS,
    MEASURES,
    OPEN,
    RECENT_DAYS,
    RECORDED,
    TURNS,
    Quality,
    assess,
    last_day_with,
    marks_stopped,
    measures,
    to_html,
    to_rows,
    to_xlsx,
    whole_lists,
)

JUNE, NOVEMBER, AS_OF = date(2024, 6, 10), date(2024, 11, 10), date(2024, 12, 2)
HERE, THERE = SCHOOL["school_id"], "99020002"
TWO = [SCHOOL, {**SCHOOL, "school_id": THERE, "name": "โรงเรียนวัดทดลอง"}]
FONT = Path(__file__).parents[2] / "dashboard" / "static" / "fonts" / "noto-sans-thai-looped-thai-400-normal.woff2"


def of(quality: Quality, measure: str, of: str = HERE, part: str = "") -> tuple[float, float, str]:
    """Numerator, denominator and verdict of one measure of a school or source."""
    rows = quality.measured
    (row,) = rows[(rows["measure"] == measure) & (rows["id"] == of) & (rows["part"] == part)].to_dict("records")
    return row["numerator"], row["denominator"], row["verdict"]


def value(quality: Quality, measure: str, of: str = HERE) -> tuple[float, str]:
    rows = quality.measured
    (row,) = rows[(rows["measure"] == measure) & (rows["id"] == of)].to_dict("records")
    return row["value"], row["verdict"]


def code(quality: Quality, school: str = HERE) -> str | None:
    found = quality.readiness.set_index("school_id")["code"][school]
    return None if pd.isna(found) else found


def told(learner: int, known_on: date = JUNE, **more: Any) -> dict[str, Any]:
    return {"learner_id": learner, "known_on": known_on, **more}


# ------------------------------------------------------------------------------------------------ completeness
def test_a_fact_is_known_when_any_list_before_the_day_told_it(tmp_path: Path) -> None:
    store = register(
        tmp_path,
        enrolment=[listed(n, NOVEMBER) for n in (1, 2, 3, 4)] + [listed(5, JUNE)],  # the fifth is not there any more
        learner=[told(1, birth_date=date(2011, 1, 1)), told(1, NOVEMBER, sex="female"), told(2, sex="male"),
                 told(3, AS_OF, sex="male"), told(5, sex="male")],
        identity=[told(1, id_type="citizen", id_number=MALI.citizen_id, guardian_name="สมใจ", subdistrict="นาดี"),
                  told(2, id_type="g_code", id_number="G990000000602"), told(3, address="12 หมู่ 5")],
    )  # fmt: skip
    found = assess(store, SETTINGS, AS_OF)
    known = {m: of(found, m)[:2] for m in ("birth_known", "sex_known", "id_known", "guardian_known", "address_known")}
    assert known == {"birth_known": (1, 4), "sex_known": (2, 4), "id_known": (2, 4), "guardian_known": (1, 4),
                     "address_known": (2, 4)}  # fmt: skip
    assert of(found, "birth_known")[2] == "act"
    assert found.learners == 4


def test_blanks_are_counted_for_the_columns_a_source_has(tmp_path: Path) -> None:
    lines = [dmc_row(MALI, ตำบล="นาดี"), dmc_row(KONG, วันเกิด="-"), dmc_row(BAIBUA), dmc_row(NUNG, id="-")]
    store, _ = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", lines))
    found = assess(store, settings(tmp_path / "home"), AS_OF)
    blanks = {
        row["part"].partition(" / ")[2]: (row["numerator"], row["denominator"])
        for row in found.measured[found.measured["measure"] == "blank"].to_dict("records")
    }
    assert blanks == {
        "enrolment.grade": (0, 4), "enrolment.room": (0, 4), "enrolment.student_number": (0, 4), "learner.sex": (0, 4),
        "learner.birth_date": (1, 4), "identity.id_number": (1, 4), "identity.first_name": (0, 4),
        "identity.last_name": (0, 4), "identity.address": (4, 4), "identity.subdistrict": (3, 4),
        "identity.guardian_name": (4, 4), "growth.weight_kg": (0, 4), "growth.height_cm": (0, 4),
    }  # fmt: skip
    # A DMC list may have a telephone and this one has not: that is no blank.


# ------------------------------------------------------------------------------------------------ validity
def test_what_an_import_refused_or_left_out_is_counted_by_source_and_by_school(tmp_path: Path) -> None:
    lines = [dmc_row(MALI, น้ำหนัก=999), dmc_row(KONG, id="9100000000021", วันเกิด="31/02/2552"), dmc_row(BAIBUA),
             dmc_row(NUNG, id="-", number="-")]  # fmt: skip
    other = dmc(tmp_path / "b.xlsx", [dmc_row(FAH)])
    store, _ = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", lines), other)
    found = assess(store, settings(tmp_path / "home"), AS_OF)
    assert of(found, "rows_refused", "dmc_list") == (1, 5, "act")
    assert of(found, "values_left_out", "dmc_list") == (2, 5, "act")
    assert (of(found, "rows_refused", THUNG_NA), of(found, "rows_refused", PA_PHAI)) == ((1, 4, "act"), (0, 1, "ok"))
    assert of(found, "values_left_out", THUNG_NA)[:2] == (2, 4)
    assert of(found, "id_checksum", THUNG_NA)[:2] == (2, 3)
    assert of(found, "id_checksum", "dmc_list")[:2] == (3, 4)
    # Two weighed in full and plausible, and one weight of 999 that the import could not take.
    assert of(found, "body_plausible", THUNG_NA) == (2, 3, "act")
    assert of(found, "body_plausible", "dmc_list")[:2] == (3, 4)


def test_a_file_of_many_schools_says_nothing_of_one_of_them(tmp_path: Path) -> None:
    both = dmc(tmp_path / "a.xlsx", [dmc_row(MALI, น้ำหนัก=999), dmc_row(FAH)])
    store, _ = take(tmp_path / "home", schools(tmp_path), both)
    rows = assess(store, settings(tmp_path / "home"), AS_OF).measured
    left_out = rows[rows["measure"] == "values_left_out"]
    assert left_out["id"].tolist() == ["dmc_list", "school_list"]


@pytest.mark.parametrize(("grade", "year", "fits"), [
    ("ป.1", 2017, 1), ("ป.1", 2018, 1), ("ป.1", 2019, 0), ("ป.1", 2013, 1), ("ป.1", 2012, 0),
    ("ม.2", 2010, 1), ("ม.2", 2002, 0), ("ปวช.1", 2008, 1),
])  # fmt: skip
def test_age_fits_grade_by_calendar_year(tmp_path: Path, grade: str, year: int, fits: int) -> None:
    birth = [told(1, birth_date=date(year, 12, 31))]
    store = register(tmp_path, enrolment=[listed(1, NOVEMBER, grade=grade)], learner=birth)
    assert of(assess(store, SETTINGS, AS_OF), "age_fits_grade")[:2] == (fits, 1)


def test_the_latest_weighing_of_each_child_is_judged(tmp_path: Path) -> None:
    def weighed(learner: int, kg: float, cm: float, on: date) -> dict[str, Any]:
        return {"learner_id": learner, "measured_on": on, "known_on": on, "weight_kg": kg, "height_cm": cm}

    growth = [weighed(1, 155, 45, JUNE), weighed(1, 45, 155, NOVEMBER), weighed(2, 45, 155, JUNE),
              weighed(2, 155, 60, NOVEMBER), weighed(3, 45, 155, AS_OF)]  # fmt: skip
    store = register(tmp_path, enrolment=[listed(n, NOVEMBER) for n in (1, 2, 3)], growth=growth)
    assert of(assess(store, SETTINGS, AS_OF), "body_plausible") == (1, 2, "act")


# ------------------------------------------------------------------------------------------------ one child, one fact
def test_on_two_lists_at_once(tmp_path: Path) -> None:
    lists = [listed(1, NOVEMBER), listed(2, NOVEMBER), listed(3, NOVEMBER, "floating"), listed(4, NOVEMBER)]
    lists += [listed(n, NOVEMBER + timedelta(days=20), school_id=THERE) for n in (1, 3, 4, 5)]
    left = [{"learner_id": 4, "school_id": HERE, "left_on": NOVEMBER, "known_on": NOVEMBER, "cause": "moved_school"}]
    store = register(tmp_path, school=TWO, enrolment=lists, exit=left)
    found = assess(store, SETTINGS, AS_OF)
    # The third is not in class here, the fourth was taken off here: one place each.
    assert (of(found, "two_lists")[:2], of(found, "two_lists", THERE)[:2]) == ((1, 3), (1, 4))
    assert of(found, "two_lists", "")[:2] == (2, 7)


def test_lists_of_two_censuses_are_not_at_once(tmp_path: Path) -> None:
    lists = [listed(1, JUNE), listed(1, NOVEMBER, school_id=THERE)]
    found = assess(register(tmp_path, school=TWO, enrolment=lists), SETTINGS, AS_OF)
    assert (of(found, "two_lists")[0], of(found, "two_lists", THERE)[0]) == (0, 0)


def test_one_number_given_to_two_children(tmp_path: Path) -> None:
    numbers = {1: "1101", 2: "1101", 3: "1102", 4: None}
    lists = [listed(n, NOVEMBER, student_number=number) for n, number in numbers.items()]
    lists += [listed(9, NOVEMBER, school_id=THERE, student_number="1102")]  # another school's number is another number
    malis, kongs = ({"id_type": "citizen", "id_number": child.citizen_id} for child in (MALI, KONG))
    people = [told(1, **malis), told(9, **malis), told(2, **kongs), told(2, NOVEMBER, **kongs)]
    found = assess(register(tmp_path, school=TWO, enrolment=lists, identity=people), SETTINGS, AS_OF)
    assert of(found, "number_twice") == (2, 3, "act")
    assert (of(found, "id_twice")[:2], of(found, "id_twice", THERE)[:2]) == ((1, 4), (1, 1))


def test_sex_and_birth_date_that_differ_between_lists(tmp_path: Path) -> None:
    born = date(2010, 3, 4)
    learner = [
        told(1, sex="female", birth_date=born), told(1, NOVEMBER, sex="male", birth_date=born),
        told(2, sex="male", birth_date=born), told(2, NOVEMBER, birth_date=date(2010, 4, 3)),
        told(3, sex="male", birth_date=born), told(3, NOVEMBER, sex="male", birth_date=born),
        told(3, AS_OF, sex="female"),
    ]  # fmt: skip
    store = register(tmp_path, enrolment=[listed(n, NOVEMBER) for n in (1, 2, 3)], learner=learner)
    found = assess(store, SETTINGS, AS_OF)
    assert (of(found, "sex_differs"), of(found, "birth_differs")) == ((1, 3, "act"), (1, 3, "act"))


# ------------------------------------------------------------------------------------------------ timeliness, coverage
def test_days_from_list_to_import_and_to_the_as_of_date(tmp_path: Path) -> None:
    first = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)], "10/06/2568")
    second = dmc(tmp_path / "b.xlsx", [dmc_row(MALI)], "10/11/2568")
    store, _ = take(tmp_path / "home", schools(tmp_path), first, second)  # on 5 January 2569
    found = assess(store, settings(tmp_path / "home"), date(2025, 12, 1))
    assert value(found, "list_delay", THUNG_NA) == (56, "look")
    assert value(found, "list_delay", "dmc_list") == (56, "look")
    assert value(found, "list_age", THUNG_NA) == (21, "ok")


def roll_of(home: Path, *marks: str, others: int = 0, as_of: date | None = None, **more: Any) -> Quality:
    """A school whose learners have these marks from the year's first school day, and others without a page."""
    count = len(marks) + others
    lists = [listed(n, date(2024, 5, 16)) for n in range(count)]
    pages = [page(n, 2567, text) for n, text in enumerate(marks)]
    store = register(home, enrolment=lists, roll=pages, **more)
    return assess(store, SETTINGS, as_of or school_days(2567, 41)[-1])


def test_recorded_days_are_counted_child_by_child(tmp_path: Path) -> None:
    found = roll_of(tmp_path, "P" * 40, "PA" * 15 + "-" * 10, "-" * 40)
    assert of(found, "recorded_year") == (70, 120, "look")
    # The 28 days before hold 20 school days.
    assert of(found, "recorded_recent")[:2] == (20 + 10 + 0, 60)
    assert value(found, "mark_age") == (0, "ok")
    assert (code(found), marks_stopped(np.array([30 / 60, 29 / 60, np.nan]), SETTINGS).tolist()) == (
        None, [False, True, False],
    )  # fmt: skip


def test_a_child_without_a_page_is_not_recorded(tmp_path: Path) -> None:
    found = roll_of(tmp_path, "P" * 40, others=3)
    assert (of(found, "recorded_year"), code(found)) == ((40, 160, "act"), "attendance_stopped")
    assert of(found, "recorded_recent") == (20, 80, "act")


def test_a_school_whose_marks_stopped_cannot_be_scored_and_whose_turn_it_is(tmp_path: Path) -> None:
    found = roll_of(tmp_path, "P" * 25, "P" * 24)
    (row,) = found.readiness.to_dict("records")
    last = school_days(2567, 25)[-1]
    assert (row["code"], row["last_mark_on"].date(), row["learners"]) == ("attendance_stopped", last, 2)
    assert value(found, "mark_age") == (15, "act")
    assert TURNS["attendance_stopped"][2].startswith("ครูประจำชั้นและนายทะเบียน")


def test_a_school_that_recorded_half_is_ready_and_just_below_is_not(tmp_path: Path) -> None:
    assert code(roll_of(tmp_path / "1", "-" * 20 + "P" * 10 + "-" * 10)) is None
    assert code(roll_of(tmp_path / "2", "-" * 20 + "P" * 9 + "-" * 11)) == "attendance_stopped"
    own = SETTINGS.model_copy(update={"readiness_share": 0.4})
    assert code(assess(Store(tmp_path / "2"), own, school_days(2567, 41)[-1])) is None
    assert measures(own)["recorded_recent"].act == 0.4


def test_marks_of_the_day_itself_and_later_are_not_known(tmp_path: Path) -> None:
    found = roll_of(tmp_path, "-" * 40 + "P" * 20)
    assert (code(found), of(found, "recorded_year")[0]) == ("never_sent", 0)


def test_who_sent_marks_last_year_and_who_never_did(tmp_path: Path) -> None:
    past = page(0, 2566, "P" * 20)
    store = register(tmp_path, school=TWO, roll=[past],
                     enrolment=[listed(0, JUNE), listed(1, JUNE, school_id=THERE)])  # fmt: skip
    found = assess(store, SETTINGS, date(2024, 6, 20))
    assert (code(found), code(found, THERE)) == ("no_attendance", "never_sent")
    assert value(found, "mark_age") == (25, "act")  # the weekdays from 16 May to 19 June
    assert TURNS["never_sent"][3].startswith("The area office")


def test_holidays_are_no_school_days_for_a_school_without_pages(tmp_path: Path) -> None:
    closed = [{"school_id": None, "day": date(2024, 5, 22), "name": "วิสาขบูชา"},
              {"school_id": THERE, "day": date(2024, 5, 23), "name": "น้ำท่วม"}]  # fmt: skip
    store = register(tmp_path, holiday=closed, enrolment=[listed(0, date(2024, 5, 16))])
    assert value(assess(store, SETTINGS, date(2024, 5, 30)), "mark_age")[0] == 9


def test_after_a_long_holiday_any_mark_of_the_year_will_do(tmp_path: Path) -> None:
    lists = [listed(0, date(2024, 6, 10))]
    store = register(tmp_path, enrolment=lists, roll=[page(0, 2567, "P" * 20)])
    april = date(2025, 5, 5)  # the last school day was 31 March
    found = assess(store, SETTINGS, april)
    assert (code(found), "recorded_recent" in set(found.measured["measure"])) == (None, False)


def test_a_school_without_a_list_is_the_registrars_turn(tmp_path: Path) -> None:
    found = assess(register(tmp_path, school=TWO, enrolment=[listed(0, JUNE)]), SETTINGS, AS_OF)
    assert code(found, THERE) == "no_list"


def test_roll_pages_by_the_day_and_by_a_plain_loop(demo_settings: Settings) -> None:
    # The matrices beside the strings themselves, on every page of the demo's running year.
    store, as_of = Store(demo_settings.home), date(2026, 11, 16)
    found = assess(store, demo_settings, as_of)
    stop = (as_of - date(2026, 5, 16)).days
    first = stop - RECENT_DAYS
    on_list = {(r["learner_id"], r["school_id"]) for r in store.read("enrolment", years=[2569]).to_pylist()
               if r["listed_on"] == date(2026, 11, 10) and r["status"] in ("enrolled", "floating")}  # fmt: skip
    gone = {(r["learner_id"], r["school_id"]) for r in store.read("exit").to_pylist()
            if r["known_on"] and date(2026, 11, 10) <= r["left_on"] < as_of}  # fmt: skip
    counted: dict[str, list[int]] = {}
    pages: dict[str, set[int]] = {}
    for row in store.read("roll", years=[2569]).to_pylist():
        if (row["learner_id"], row["school_id"]) in on_list - gone:
            year, recent = row["marks"][:stop], row["marks"][first:stop]
            held = counted.setdefault(row["school_id"], [0, 0, 0, 0])
            for n, text in enumerate((year, recent)):
                held[2 * n] += sum(mark not in "-." for mark in text)
                held[2 * n + 1] += sum(mark != "." for mark in text)
            pages.setdefault(row["school_id"], set()).add(row["learner_id"])
    checked = 0
    for school, (recorded, opened, recorded_recent, open_recent) in counted.items():
        assert of(found, "recorded_year", school)[0] == recorded
        assert of(found, "recorded_recent", school)[0] == recorded_recent
        if len(pages[school]) == sum(s == school for _, s in on_list - gone):
            assert of(found, "recorded_year", school)[1] == opened
            assert of(found, "recorded_recent", school)[1] == open_recent
            checked += 1
    assert checked >= 4


def test_the_gate_of_a_school_is_the_gate_of_its_learners(demo_settings: Settings) -> None:
    store, as_of = Store(demo_settings.home), date(2026, 11, 16)
    rows = build(store, demo_settings, as_of)
    why = cannot_score(rows, demo_settings)
    ready = assess(store, demo_settings, as_of).readiness.set_index("school_id")
    assert set(ready["code"].dropna()) == {"attendance_stopped", "no_attendance", "never_sent"}
    for school, own in why.groupby(rows["school_id"]):
        expected = ready["code"][school]
        stopped = own.isin(["attendance_stopped", "no_attendance"]).mean()
        assert stopped < 0.5 if pd.isna(expected) else stopped > 0.5, school
        mine = rows[rows["school_id"] == school]
        share = mine["recorded_share_28d"].fillna(0).mean()
        assert ready["recorded_recent"][school] == pytest.approx(share, abs=0.02)
        latest = mine["last_mark"].max()
        assert pd.isna(latest) == pd.isna(ready["last_mark_on"][school])
        assert pd.isna(latest) or latest <= ready["last_mark_on"][school]


def test_last_day_with_a_mark() -> None:
    pages = np.frombuffer(b"P-.A-.---.TP", np.uint8).reshape(3, 4)
    assert last_day_with(pages, RECORDED, 4).tolist() == [3, -1, 3]
    assert last_day_with(pages, RECORDED, 3).tolist() == [0, -1, 2]
    assert last_day_with(pages, OPEN, 0).tolist() == [-1, -1, -1]


# ------------------------------------------------------------------------------------------------ census
def head_count(learners: int, grade: str | None = "ม.2", sex: str | None = "female", **more: Any) -> dict[str, Any]:
    return {"school_id": HERE, "academic_year": 2567, "counted_on": JUNE, "grade": grade, "sex": sex,
            "learners": learners, **more}  # fmt: skip


def counted(home: Path, *census: dict[str, Any], **tables: Any) -> Quality:
    """Four on the list of June: two girls and a boy in ม.2, a boy in ม.3; the published totals beside them."""
    sexes = {1: "female", 2: "female", 3: "male", 4: "male"}
    lists = [listed(n, JUNE, grade="ม.3" if n == 4 else "ม.2") for n in sexes]
    lists += [listed(5, JUNE, "left")]
    people = [told(n, sex=sex) for n, sex in sexes.items()]
    return assess(register(home, enrolment=lists, learner=people, census=list(census), **tables), SETTINGS, AS_OF)


def off(quality: Quality) -> list[tuple[Any, ...]]:
    frame = quality.reconciliation
    rows = frame.astype(object).where(frame.notna(), None)
    return [(r.grade, r.sex, r.census, r.listed, r.difference) for r in rows.itertuples()]


def test_the_list_beside_the_census_by_grade_and_sex(tmp_path: Path) -> None:
    found = counted(tmp_path, head_count(3), head_count(1, sex="male"))
    assert off(found) == [
        ("ม.2", "female", 3, 2, -1), ("ม.2", "male", 1, 1, 0), ("ม.3", "male", 0, 1, 1),
    ]  # fmt: skip
    assert of(found, "census_difference") == (2, 4, "act")


def test_a_census_that_tells_no_sex_or_no_grade_is_compared_as_it_is(tmp_path: Path) -> None:
    assert off(counted(tmp_path / "1", head_count(3, sex=None), head_count(1, "ม.3", None))) == [
        ("ม.2", None, 3, 3, 0), ("ม.3", None, 1, 1, 0),
    ]  # fmt: skip
    assert off(counted(tmp_path / "2", head_count(5, None, None))) == [(None, None, 5, 4, -1)]
    # Totals beside their parts are not counted twice.
    both = [head_count(2), head_count(1, sex="male"), head_count(3, sex=None), head_count(1, "ม.3", "male"),
            head_count(4, None, None)]  # fmt: skip
    assert of(counted(tmp_path / "3", *both), "census_difference") == (0, 4, "ok")


def test_without_a_list_for_the_day_nothing_is_compared(tmp_path: Path) -> None:
    late = [listed(1, date(2024, 8, 30))]
    store = register(tmp_path, enrolment=late, census=[head_count(3)])
    found = assess(store, SETTINGS, AS_OF)
    assert off(found) == [("ม.2", "female", 3, None, None)]
    assert "census_difference" not in set(found.measured["measure"])


def test_a_census_of_the_as_of_day_is_not_known(tmp_path: Path) -> None:
    store = register(tmp_path, enrolment=[listed(1, JUNE)], census=[head_count(3)])
    assert assess(store, SETTINGS, JUNE).reconciliation.empty


# ------------------------------------------------------------------------------------------------ the whole
def test_every_measure_has_its_words_its_item_and_a_place_for_both_thresholds() -> None:
    for m in MEASURES:
        assert m.dimension in DIMENSIONS, m.code
        assert re.fullmatch(r"[0-5]\.\d(\.\d)?", m.item), m.code
        assert all(re.search("[ก-๙]", text) for text in (m.name_th, m.means_th, m.why_th)), m.code
        assert not any(re.search("[ก-๙]", text) for text in (m.name_en, m.means_en, m.why_en)), m.code
        assert m.ok < m.act if m.better == "less" else m.ok > m.act, m.code
        assert m.verdict(m.ok) == "ok", m.code
        assert m.verdict(m.act) == "look", m.code
        beyond = 1e-6 if m.better == "less" else -1e-6
        assert (m.verdict(m.ok + beyond), m.verdict(m.act + beyond)) == ("look", "act"), m.code


def test_the_documentation_has_every_measure_with_its_thresholds() -> None:
    text = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    for m in MEASURES:
        signs = ("≤", ">") if m.better == "less" else ("≥", "<")
        ok, act = (f"{v * 100:g} %" if m.unit == "share" else f"{v:g}" for v in (m.ok, m.act))
        assert f"| `{m.code}` | {m.dimension} | {m.item} | {signs[0]} {ok} | {signs[1]} {act} |" in text, m.code
    assert all(f"| `{turn}` |" in text for turn in TURNS)


def test_a_part_of_a_list_is_no_whole_list() -> None:
    def rows(day: date, count: int, year: int = 2567) -> pd.DataFrame:
        return pd.DataFrame({"school_id": HERE, "academic_year": year, "listed_on": pd.Timestamp(day),
                             "learner_id": range(count)})  # fmt: skip

    def days(*parts: pd.DataFrame) -> list[date]:
        return [d.date() for d in whole_lists(pd.concat(parts))["listed_on"]]

    room, next_year = date(2024, 7, 1), date(2025, 6, 10)
    assert days(rows(JUNE, 40), rows(room, 20), rows(NOVEMBER, 21)) == [JUNE, NOVEMBER]
    assert days(rows(JUNE, 40), rows(next_year, 12, 2568)) == [JUNE]  # the first room of a new year
    assert days(rows(JUNE, 4), rows(NOVEMBER, 2)) == [JUNE, NOVEMBER]  # a school of four lost two


def test_the_demo_area_is_assessed_like_a_plain_count(demo_settings: Settings) -> None:
    store, as_of = Store(demo_settings.home), date(2026, 11, 16)
    found = assess(store, demo_settings, as_of)
    con_rows = [r for r in store.read("enrolment", years=[2569]).to_pylist() if r["listed_on"] == date(2026, 11, 10)]
    exits = {(r["learner_id"], r["school_id"]) for r in store.read("exit").to_pylist()
             if r["left_on"] and date(2026, 11, 10) <= r["left_on"] < as_of}  # fmt: skip
    now = [r for r in con_rows if r["status"] in ("enrolled", "floating", "leave_of_absence")
           and (r["learner_id"], r["school_id"]) not in exits]  # fmt: skip
    ids: dict[int, tuple[date, str]] = {}
    for r in store.read("identity").to_pylist():
        if r["id_type"] == "citizen" and r["known_on"] < as_of:
            ids[r["learner_id"]] = max(ids.get(r["learner_id"], (date.min, "")), (r["known_on"], r["id_number"]))
    own = [ids[r["learner_id"]][1] for r in now if r["learner_id"] in ids]
    assert of(found, "id_checksum", "")[:2] == (sum(map(thai.citizen_checksum_holds, own)), len(own))
    births = {r["learner_id"]: r["birth_date"] for r in store.read("learner").to_pylist() if r["birth_date"]}
    over = [2026 - births[r["learner_id"]].year - 6 - GRADE_LEVEL[r["grade"]] for r in now if r["learner_id"] in births]
    assert of(found, "age_fits_grade", "")[:2] == (sum(-1 <= o <= 4 for o in over), len(over))
    assert found.learners == len({r["learner_id"] for r in now})


def test_rows_in_are_rows_known_before(tmp_path: Path) -> None:
    store = register(tmp_path, enrolment=[listed(1, JUNE)], learner=[told(1, sex="male")])
    before = assess(store, SETTINGS, AS_OF)
    left = {"learner_id": 1, "school_id": HERE, "left_on": JUNE, "known_on": AS_OF, "cause": "withdrew"}
    add(
        store,
        "later",
        enrolment=[listed(2, AS_OF)],
        learner=[told(1, AS_OF, sex="female")],
        roll=[page(1, 2567, {AS_OF: "P"})],
        census=[head_count(9, counted_on=AS_OF)],
        exit=[left],
    )
    after = assess(store, SETTINGS, AS_OF)
    known = ~before.measured["measure"].isin(["recorded_year", "recorded_recent"])
    pd.testing.assert_frame_equal(after.measured[known], before.measured[known])
    assert of(after, "recorded_year")[0] == 0


def test_an_empty_register_is_assessed_without_a_word(tmp_path: Path) -> None:
    found = assess(Store.create(tmp_path / "home", 2, "key"), SETTINGS, AS_OF)
    assert (found.learners, to_rows(found), len(found.readiness)) == (0, [], 0)
    to_html(found, tmp_path / "q.html")
    assert "ไม่มี" in (tmp_path / "q.html").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------ for people
def shown(home: Path) -> Quality:
    """Two schools, one of which stopped; a name that would be a tag, a census with a difference."""
    evil = {**SCHOOL, "school_id": THERE, "name": '=1+1 <b>โรงเรียน</b> & "ที่นี่"'}
    store = register(
        home, school=[SCHOOL, evil], roll=[page(1, 2567, "P" * 20)], census=[head_count(1)],
        enrolment=[listed(1, JUNE), listed(2, JUNE, school_id=THERE)],
        identity=[told(1, id_type="citizen", id_number=MALI.citizen_id, first_name="มะลิ", last_name="ใจดี")],
    )  # fmt: skip
    return assess(store, SETTINGS, AS_OF)


def test_rows_to_print_say_what_of_whom_how_many_and_the_verdict(tmp_path: Path) -> None:
    rows = to_rows(shown(tmp_path))
    assert rows[0] == {
        "of": "ทั้งทะเบียน / all schools", "measure": "มีวันเกิด / Birth date known", "value": "0.0 %", "n": "0/2",
        "verdict": "■ ต้องแก้ / act", "UIS": "3.1",
    }  # fmt: skip
    mark = next(r for r in rows if r["measure"].startswith("วันเรียนนับจาก") and HERE in r["of"])
    assert mark["of"] == "โรงเรียนบ้านทดลอง (99010001)"
    assert re.fullmatch(r"\d+ วันเรียน / school days", mark["value"])


def test_the_workbook_has_every_value_and_takes_nothing_for_a_formula(tmp_path: Path) -> None:
    found = shown(tmp_path / "home")
    to_xlsx(found, tmp_path / "q.xlsx")
    book = CalamineWorkbook.from_path(tmp_path / "q.xlsx")
    held = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert list(held) == ["ค่าที่วัดได้ values", "ยังประเมินไม่ได้ not ready", "ยอดทางการ census", "นิยาม definitions"]
    values = held["ค่าที่วัดได้ values"]
    assert values[1][:2] == ["ข้อมูลก่อนวันที่ / as known before", "2 ธ.ค. 2567 / 2 Dec 2024"]
    assert values[4][1] == ", ".join(found.snapshots)
    top = next(n for n, line in enumerate(values) if line[0] == "เรื่อง / of")
    assert len(values) - top - 1 == len(found.measured)
    assert any(line[0].startswith("=1+1 <b>") for line in values)
    assert len(held["นิยาม definitions"]) == 7 + len(MEASURES)
    assert held["ยอดทางการ census"][-1][2:] == ["ม.2", "", 0, 1, 1]
    assert "มะลิ" not in str(held)


class Loads(HTMLParser):
    """Everything a page would fetch, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [(name, held) for name, held in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_one_file_in_thai_first_that_names_no_child(tmp_path: Path) -> None:
    found = shown(tmp_path / "home")
    to_html(found, tmp_path / "q.html")
    text = (tmp_path / "q.html").read_text(encoding="utf-8")
    read = Loads()
    read.feed(text)
    words = " ".join(read.words)
    assert (read.loads, set(read.tags) & {"script", "img", "link", "iframe", "b"}) == ([], set())
    assert "url(" not in text and "@import" not in text
    assert words.index("รายงานคุณภาพข้อมูล") < words.index("Data quality report")
    assert "2 ธ.ค. 2567" in words and found.snapshots[0] in words
    assert '=1+1 <b>โรงเรียน</b> & "ที่นี่"' in words
    assert "มะลิ" not in words and MALI.citizen_id not in words
    for m in found.table.values():
        assert m.means_th in words and m.means_en in words and m.why_th in words
    assert "line-height: 1.7" in text
    for table in re.findall("<table>.*?</table>", text, re.DOTALL):  # each cell stands under its own heading
        heads = [re.sub("<.*?>", "", cell) for cell in re.findall("<th>(.*?)</th>", table)]
        if "UIS" in heads:
            cells = re.findall("<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
            items = {re.findall("<td.*?>(.*?)</td>", row)[heads.index("UIS")] for row in cells}
            assert items <= {m.item for m in MEASURES}
    to_html(found, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "q.html").read_bytes()


@pytest.mark.browser
def test_in_a_browser_nothing_is_fetched_and_no_line_cuts_its_marks(tmp_path: Path) -> None:
    to_html(shown(tmp_path / "home"), tmp_path / "q.html", font=FONT.read_bytes())
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page_ = browser.new_page(viewport={"width": 390, "height": 800})
        page_.on("request", lambda request: asked.append(request.url))
        page_.goto((tmp_path / "q.html").as_uri())
        assert page_.evaluate("document.fonts.ready.then(f => document.fonts.check('15px \"Raksa Thai\"', 'ก'))")
        tight = """[...document.querySelectorAll('h1, h2, p, td, th, dt, dd')].filter(e => {
            const s = getComputedStyle(e); return parseFloat(s.lineHeight) < 1.6 * parseFloat(s.fontSize)
              || (s.overflow === 'hidden' && e.scrollHeight > e.clientHeight) }).length"""
        assert page_.evaluate(tight) == 0
        assert page_.evaluate("document.documentElement.scrollWidth") <= 390  # wide tables scroll by themselves
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_an_assessment_does_not_hang_on_the_clock(tmp_path: Path) -> None:
    store, _ = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]))
    imported = datetime(2026, 1, 5, 8, 0, tzinfo=UTC).date()
    found = assess(store, settings(tmp_path / "home"), AS_OF)
    assert value(found, "list_delay", THUNG_NA)[0] == (imported - JUNE).days
