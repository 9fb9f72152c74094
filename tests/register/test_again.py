"""Sending files again: what was imported changes nothing, what was refused is mended, what is newer counts."""

from __future__ import annotations

import json
import zipfile
from importlib.resources import files
from pathlib import Path

from cast import KONG, MALI, THUNG_NA
from python_calamine import CalamineWorkbook
from school_files import (
    NUMBERS,
    csv_file,
    daily,
    dmc,
    dmc_row,
    marks,
    only,
    roll_book,
    rows,
    schools,
    take,
    whole,
    xlsx_bytes,
)

from raksa.demo_area import area
from raksa.demo_files import write_files
from raksa.tables import REGISTER
from register.ingest import files_in
from register.report import refused_rows_to_xlsx


def sheets(path: Path) -> list[list[list[object]]]:
    book = CalamineWorkbook.from_path(path)
    return [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]


def mend(path: Path, change: dict[str, str]) -> Path:
    """The workbook of refused rows with cells put right."""
    mended = path.with_name("mended.xlsx")
    mended.write_bytes(
        xlsx_bytes(*([[change.get(str(cell), cell) for cell in line] for line in sheet] for sheet in sheets(path)))
    )
    return mended


def test_the_same_files_again_change_not_a_byte(tmp_path):
    sent = [schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])]
    take(tmp_path / "home", *sent)
    before = whole(tmp_path / "home")
    _, report = take(tmp_path / "home", *sent)
    assert report.snapshot is None
    assert [(f.before, f.refused_whole) for f in report.files] == [(True, None), (True, None)]
    assert whole(tmp_path / "home") == before


def test_the_same_content_twice_in_one_import_counts_once(tmp_path):
    one = schools(tmp_path)
    other = tmp_path / "copy.csv"
    other.write_bytes(one.read_bytes())
    _, report = take(tmp_path / "home", one, other)
    assert [f.kept for f in report.files] == [4, 0]
    assert report.files[1].refused_whole == "copy.csv: the same file was given twice."


def test_a_later_list_of_the_same_day_takes_the_place_of_the_earlier(tmp_path):
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI, ห้อง="1"), dmc_row(KONG)]))
    store, _ = take(tmp_path / "home", dmc(tmp_path / "b.xlsx", [dmc_row(MALI, ห้อง="2")]))
    assert rows(store, "enrolment", "learner_id", "room") == [("ก้อง", "1"), ("มะลิ", "2")]


def test_a_made_up_area_is_the_same_whole_or_year_by_year_and_every_row_is_kept_or_refused(tmp_path):
    write_files(area(schools=3, learners=120, years=1), tmp_path / "files", jobs=1)
    sent = files_in([tmp_path / "files"])
    assert len(sent) > 40
    store, report = take(tmp_path / "one", *sent)
    assert [f.name for f in report.files if f.refused_whole] == []
    assert all(f.rows == f.kept + sum(f.refused.values()) for f in report.files)
    take(tmp_path / "many", *files_in([tmp_path / "files" / "schools.csv", tmp_path / "files" / "holidays.csv"]))
    for year in sorted(f for f in (tmp_path / "files").iterdir() if f.is_dir()):
        # Lists first: marks of children nobody has listed yet would be refused, and could be sent again.
        lists = files_in([year / kind for kind in ("dmc_list", "college_list") if (year / kind).is_dir()])
        take(tmp_path / "many", *lists)
        other, _ = take(tmp_path / "many", *(f for f in files_in([year]) if f not in lists))
    for name, table in REGISTER.items():
        columns = [c for c in table.schema.names if c != "source"]
        order = [(k, "ascending") for k in table.key]
        assert store.read(name, columns=columns).sort_by(order) == other.read(name, columns=columns).sort_by(order), (
            name
        )


def test_refused_rows_come_back_as_a_workbook_and_mended_are_taken(tmp_path):
    kong = dmc_row(KONG, **{"ยังไม่สามารถจำหน่ายได้ (3.1.8)": "?", "ชื่อ": "=HYPERLINK(0)", "นามสกุล": "+1", "ห้อง": "@2"})
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), kong])
    book = roll_book(tmp_path / "r.csv", [("9999", "ก้อง", "ข")], ["16/05/2567"])
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "ข าด?")]
    store, report = take(tmp_path / "home", schools(tmp_path), people, book, daily(tmp_path / "d.csv", lines))
    assert refused_rows_to_xlsx(store, report.snapshot, tmp_path / "refused.xlsx") == 3
    first, second, third = sheets(tmp_path / "refused.xlsx")
    assert first[0][1] == "วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"
    assert first[1][:4] == ["เหตุที่ไม่รับ / reason", "รหัสโรงเรียน", "ชื่อโรงเรียน", "เลขประจำตัวนักเรียน"]
    reason = (
        "a.xlsx, line 4: ยังไม่สามารถจำหน่ายได้ (3.1.8) ? is none of ใช่, Y, 1, ✓, ยังไม่สามารถจำหน่ายได้, ไม่ใช่, N, 0; "
        "map it under [codes.floating]"
    )
    assert first[2][:2] == [reason, THUNG_NA]
    assert first[2][9:11] == ["=HYPERLINK(0)", "+1"]
    assert second[4][:5] == [
        "r.csv, line 5: no list names this learner; import the school's pupil list first, then this file",
        "1", "9999", "ก้อง", "ข",
    ]  # fmt: skip
    assert third[1][1:5] == [THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "ข าด?"]

    change = {"?": "ใช่", "=HYPERLINK(0)": "ก้อง", "9999": NUMBERS[KONG.learner_id], "ข าด?": "ขาด"}
    store, report = take(tmp_path / "home", mend(tmp_path / "refused.xlsx", change))
    assert [(f.name, f.format, f.kept, f.refused) for f in report.files] == [
        ("mended.xlsx [Sheet1]", "dmc_list", 1, {}), ("mended.xlsx [Sheet2]", "roll_book", 1, {}),
        ("mended.xlsx [Sheet3]", "attendance_daily", 1, {}),
    ]  # fmt: skip
    assert rows(store, "enrolment", "learner_id", "status") == [("ก้อง", "floating"), ("มะลิ", "enrolled")]
    assert (marks(store, "มะลิ", 1), marks(store, "ก้อง", 1)) == ("A", "A")


def test_refused_cells_are_no_formulas(tmp_path):
    line = ("77", "=1+1", "16/05/2567", "=cmd|' /C calc'!A0")
    store, report = take(tmp_path / "home", schools(tmp_path), daily(tmp_path / "d.csv", [line]))
    refused_rows_to_xlsx(store, report.snapshot, tmp_path / "refused.xlsx")
    assert [line[1:] for line in sheets(tmp_path / "refused.xlsx")[0][1:]] == [list(line)]
    with zipfile.ZipFile(tmp_path / "refused.xlsx") as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")


def test_an_import_without_refused_rows_says_so(tmp_path):
    store, report = take(tmp_path / "home", schools(tmp_path))
    assert refused_rows_to_xlsx(store, report.snapshot, tmp_path / "refused.xlsx") == 0
    assert sheets(tmp_path / "refused.xlsx") == [[["ไม่มีแถวที่ไม่รับ / no refused rows"]]]


def test_refused_rows_are_kept_whole_in_the_store(tmp_path):
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่", "สถานะ")
    line = ("77", "1", "16/05/2567", " มา ")
    store, report = take(tmp_path / "home", schools(tmp_path), csv_file(tmp_path / "d.csv", header, [line]))
    assert store.refused(report.snapshot).to_pylist() == [{
        "file": "d.csv", "format": "attendance_daily", "line": 2, "code": "unknown_school",
        "reason": "d.csv, line 2: no school list names its school; import the area's school list first, then this file",
        "kept": False, "above": "[]", "header": json.dumps(header, ensure_ascii=False),
        "cells": json.dumps(line, ensure_ascii=False),
    }]  # fmt: skip


def test_a_file_taken_with_the_wrong_mapping_can_be_taken_again_with_the_right_one(tmp_path):
    # One program prints ส for absent.
    own = tmp_path / "own.toml"
    text = (files("register") / "mappings" / "roll_book.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('"ส" = "T"', '"ส" = "A"'), encoding="utf-8")
    book = roll_book(tmp_path / "r.csv", [(NUMBERS[MALI.learner_id], "มะลิ", "ส")], ["16/05/2567"])
    store, _ = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), book)
    assert marks(store, "มะลิ", 1) == "T"
    store, report = take(tmp_path / "home", book, mapping=own)
    assert (only(report).kept, marks(store, "มะลิ", 1)) == (1, "A")


def test_a_file_whose_refused_rows_nothing_has_cured_changes_nothing_when_sent_again(tmp_path):
    home = tmp_path / "home"
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "ขาด"), (THUNG_NA, "99", "16/05/2567", "มา")]
    book = daily(tmp_path / "d.csv", lines)
    store, _ = take(home, schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), book)
    take(home, daily(tmp_path / "newer.csv", [(THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "มา")]))
    before = whole(home)
    _, report = take(home, book)
    assert (report.snapshot, only(report).before) == (None, True)
    assert whole(home) == before and marks(store, "มะลิ", 1) == "P"
    _, report = take(home, dmc(tmp_path / "b.xlsx", [dmc_row(KONG, number="99")]), book)
    assert (report.files[1].kept, report.files[1].refused) == (2, {})


def test_numbers_as_spreadsheets_write_them_find_their_child(tmp_path):
    lines = [(THUNG_NA, '"=""01101"""', "16/05/2567", "มา"), (THUNG_NA, "001101", "17/05/2567", "ขาด"),
             (THUNG_NA, "1101.0", "20/05/2567", "สาย")]  # fmt: skip
    assert NUMBERS[MALI.learner_id] == "1101"
    days = daily(tmp_path / "d.csv", lines)
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), days)
    assert report.files[2].kept == 3
    assert marks(store, "มะลิ", 5) == "PA..T"
