"""The page Data: each person's own schools, both children of a pair, and what is undone only with a reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from small_run import settings_for, with_people, write_run
from test_pages import opened_by, text_of

from dashboard import data, ground
from raksa.accounts import Accounts
from raksa.audit import entries
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from register.ingest import ingest
from tests.cast import (
    ADMIN,
    CHAI_DAEN,
    DOI_NAM,
    KAMOL,
    MALI,
    PA_PHAI,
    PIM,
    SAI,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)  # fmt: skip
from tests.small_register import add, listed

NOW = datetime(2026, 6, 8, 2, 0, tzinfo=UTC)
JUNE = date(2025, 6, 10)
AGAIN, SAI_AGAIN = 900, 901  # second numbers of Mali and Sai in this register
BAD_DAY = "31/06/2568"


def entry(child: Learner, learner: int, school: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of one child on one school's list, without a number that would tie her to another."""
    about = {"learner_id": learner, "known_on": JUNE}
    name = {"prefix": child.prefix, "first_name": child.first_name, "last_name": child.last_name}
    sex = "male" if child.prefix == "เด็กชาย" else "female"
    return {
        "identity": [about | name | {"guardian_name": "นางสมใจ ใจดี"}],
        "learner": [about | {"sex": sex, "birth_date": date(2010, 2, 27)}],
        "enrolment": [listed(learner, JUNE, school_id=school, grade=child.grade, student_number=str(learner))],
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A register in which Mali stands at two schools of one area and Sai at schools of two, and a run beside it."""
    store = write_run(tmp_path)
    add(store, "schools", school=[
        {"school_id": id, "name": name, "area_id": area, "agency": "สพฐ."} for id, (name, area) in SCHOOLS.items()
    ])  # fmt: skip
    add(store, "one", **entry(MALI, MALI.learner_id, THUNG_NA))
    add(store, "two", **entry(MALI, AGAIN, PA_PHAI))
    add(store, "three", **entry(SAI, SAI.learner_id, CHAI_DAEN))
    add(store, "four", **entry(SAI, SAI_AGAIN, DOI_NAM))
    return store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@pytest.fixture
def accounts(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    opened = with_people(store.home)
    monkeypatch.setenv("RAKSA_HOME", str(store.home))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def with_bad_days(store: Store, settings: Settings) -> str:
    """An import of attendance in which two rows of Thung Na and one of Pa Phai have a day that is none."""
    file = store.home / "attendance.csv"
    out = io.StringIO()
    csv.writer(out).writerows([
        ["รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่", "สถานะ"],
        [THUNG_NA, "101", BAD_DAY, "มา"], [THUNG_NA, "101", "32/06/2568", "ขาด"], [PA_PHAI, "900", BAD_DAY, "มา"],
    ])  # fmt: skip
    file.write_text(out.getvalue(), encoding="utf-8-sig")
    taken = ingest(store, settings, [file], now=NOW)
    assert taken.snapshot is not None
    return taken.snapshot


# ------------------------------------------------------------------------------------------------ whose
def test_wichai_sees_his_school_kamol_those_of_the_area_and_nobody_else_any(store: Store) -> None:
    assert list(data.schools(store, WICHAI)) == [THUNG_NA]
    assert set(data.schools(store, KAMOL)) == {school for school, (_, area) in SCHOOLS.items() if area == "2401"}
    assert data.schools(store, SOMSRI) == data.schools(store, PIM) == data.schools(store, ADMIN) == {}


def test_quality_is_measured_once_and_shown_by_school(store: Store, settings: Settings) -> None:
    assert data.kept(store, "quality") is None
    made = data.make_quality(store, settings, date(2026, 6, 8), NOW)
    assert data.kept(store, "quality") is made
    of_wichai = data.measured(made.what, data.schools(store, WICHAI), "en")
    assert {one.of for one in of_wichai} == {SCHOOLS[THUNG_NA][0]}
    born = next(one for one in of_wichai if one.measure == "Birth date known")
    assert (born.value, born.n, born.verdict) == ("100.0 %", "1/1", "ok")
    whole = data.measured(made.what, None, "en")
    assert whole and not {one.of for one in whole} & {name for name, _ in SCHOOLS.values()}
    late = data.waiting(made.what, data.schools(store, WICHAI), "en")
    assert [(one.school, one.learners, one.last_mark_on) for one in late] == [(SCHOOLS[THUNG_NA][0], 1, None)]


# ------------------------------------------------------------------------------------------------ rows to mend
def test_each_school_gets_its_own_refused_rows_and_no_other(store: Store, settings: Settings) -> None:
    snapshot = with_bad_days(store, settings)
    assert [(one.school_id, one.rows, one.reasons) for one in data.refused(store, WICHAI, "en")] == [
        (THUNG_NA, 2, "The day is not a date: correct it (2)")
    ]
    assert data.refused(store, WICHAI)[0].reasons == "วันที่ไม่ถูกต้อง ให้แก้วันที่ (2)"
    assert {(one.school_id, one.rows) for one in data.refused(store, KAMOL)} == {(THUNG_NA, 2), (PA_PHAI, 1)}
    body, rows = data.refused_workbook(store, WICHAI, snapshot)
    lines = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert rows == 2 and [line[1:] for line in lines[1:]] == [
        [THUNG_NA, "101", BAD_DAY, "มา"], [THUNG_NA, "101", "32/06/2568", "ขาด"],
    ]  # fmt: skip


@pytest.mark.parametrize("person", [KAMOL, SOMSRI, PIM, ADMIN], ids=lambda p: p.username)
def test_nobody_but_the_school_takes_refused_rows_away(store: Store, settings: Settings, person: Any) -> None:
    snapshot = with_bad_days(store, settings)
    with pytest.raises(RaksaError, match="go to the school"):
        data.refused_workbook(store, person, snapshot)


def test_an_import_that_does_not_count_has_no_workbook(store: Store) -> None:
    with pytest.raises(RaksaError, match="No import 000099-x counts"):
        data.refused_workbook(store, WICHAI, "000099-x")


# ------------------------------------------------------------------------------------------------ one child
def test_kamol_decides_about_mali_since_he_looks_after_both(
    store: Store, settings: Settings, accounts: Accounts
) -> None:
    made = data.make_pairs(store, settings, NOW)
    (pair,) = data.pairs(made, KAMOL)
    assert {pair.learner_a, pair.learner_b} == {MALI.learner_id, AGAIN}
    assert ("first_name", "มะลิ", "มะลิ", "agrees") in pair.fields
    with pytest.raises(RaksaError, match="not said why"):
        data.decide_pair(store, accounts.people, KAMOL, made, pair, "same", " ", NOW)
    assert store.merged() == {}
    data.decide_pair(store, accounts.people, KAMOL, made, pair, "same", "เห็นใบย้าย", NOW)
    assert store.merged() == {AGAIN: MALI.learner_id}
    left = data.kept(store, "pairs")
    assert left is not None and data.pairs(left, KAMOL) == []
    for learner in (MALI.learner_id, AGAIN):
        (line,) = entries(accounts.people, learner_id=learner)
        assert (line.who, line.what, line.reason) == ("kamol", "decide_same", "เห็นใบย้าย")


def test_who_looks_after_one_of_two_neither_sees_nor_decides(
    store: Store, settings: Settings, accounts: Accounts
) -> None:
    made = data.make_pairs(store, settings, NOW)
    every = data.pairs(made, None)
    assert len(every) == 2
    for person in (WICHAI, SOMSRI, PIM, ADMIN):
        assert data.pairs(made, person) == []
        for pair in every:
            with pytest.raises(RaksaError, match="does not look after both"):
                data.decide_pair(store, accounts.people, person, made, pair, "same", "อยากรวม", NOW)
    of_sai = next(pair for pair in every if SAI.learner_id in (pair.learner_a, pair.learner_b))
    with pytest.raises(RaksaError, match="does not look after both"):
        data.decide_pair(store, accounts.people, KAMOL, made, of_sai, "same", "อยากรวม", NOW)
    assert store.merged() == {} and list(entries(accounts.people)) == []


# ------------------------------------------------------------------------------------------------ on no list
def test_without_a_civil_register_it_is_said_what_is_missing(store: Store, settings: Settings) -> None:
    with pytest.raises(RaksaError, match="No extract of the civil register"):
        data.make_on_no_list(store, settings, date(2026, 6, 8), "compulsory", NOW)
    assert data.kept(store, "on_no_list", "compulsory") is None


def test_kamol_reads_who_was_last_at_a_school_of_his(store: Store, settings: Settings) -> None:
    away = {"province": "ตัวอย่าง", "district": "สมมุติ", "subdistrict": "ทุ่งนา", "listed_on": date(2026, 6, 1)}
    left = {"left_on": date(2026, 3, 1), "known_on": date(2026, 3, 2), "cause": "withdrew"}
    born = {"known_on": date(2026, 6, 1), "birth_date": date(2013, 5, 5), "sex": "male"}
    add(store, "civil", population=[away | {"learner_id": n} for n in (SAI_AGAIN, SAI.learner_id, 950)],
        learner=[born | {"learner_id": n} for n in (SAI_AGAIN, SAI.learner_id, 950)],
        exit=[left | {"learner_id": n, "school_id": s}
              for n, s in ((SAI_AGAIN, DOI_NAM), (SAI.learner_id, CHAI_DAEN))])  # fmt: skip
    found = data.make_on_no_list(store, settings, date(2026, 6, 8), "compulsory", NOW).what
    assert set(found.missing["learner_id"]) == {SAI_AGAIN, SAI.learner_id, 950}
    (one,) = data.sought(store, found, KAMOL)
    assert (one.learner_id, one.name, one.school) == (SAI_AGAIN, "เด็กชายทราย ฐานมั่น", SCHOOLS[DOI_NAM][0])
    for person in (WICHAI, SOMSRI, PIM, ADMIN):
        assert data.sought(store, found, person) == []


# ------------------------------------------------------------------------------------------------ imports
def test_only_the_administrator_takes_an_import_back_with_a_reason(store: Store, accounts: Accounts) -> None:
    last = data.imports(store)[0]["import"]
    for person in (KAMOL, WICHAI, SOMSRI, PIM):
        with pytest.raises(RaksaError, match="takes no import back"):
            data.undo(store, accounts.people, person, last, "ผิดไฟล์", NOW)
    with pytest.raises(RaksaError, match="not said why"):
        data.undo(store, accounts.people, ADMIN, last, "", NOW)
    assert data.undo(store, accounts.people, ADMIN, last, "ผิดไฟล์", NOW) == last
    assert data.imports(store)[0]["state"] == "taken back"
    (line,) = entries(accounts.people, who="admin")
    assert (line.what, line.about, line.reason) == ("undo_import", last, "ผิดไฟล์")


def test_the_administrator_confirms_before_an_import_is_taken_back(accounts: Accounts, store: Store) -> None:
    app = opened_by(accounts, "admin")
    app.switch_page("views/data.py").run()
    app.session_state["data-th"] = "การนำเข้า"
    app.run()
    assert not any(name in text_of(app) for name, _ in SCHOOLS.values())
    last = data.imports(store)[0]["import"]
    app.selectbox(key="undo-th").select(last).run()
    app.text_input(key="undo-why").set_value("ผิดไฟล์").run()
    assert app.button(key="undo-go").disabled
    app.checkbox(key="undo-sure").check().run()
    app.button(key="undo-go").click().run()
    assert data.imports(store)[0]["state"] == "taken back" and not app.exception


def test_kamol_measures_by_a_button_and_reads_the_result(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol")
    app.switch_page("views/data.py").run()
    assert "ตัวชี้วัด" not in text_of(app)
    app.button(key="quality").click().run(timeout=60)
    page = text_of(app)
    assert not app.exception and SCHOOLS[THUNG_NA][0] in page and SCHOOLS[CHAI_DAEN][0] not in page
