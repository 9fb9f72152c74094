"""A draft of a mapping reads the file it was drafted from, says why, and holds nothing of anybody."""

from __future__ import annotations

import doctest
import re
import zipfile
from datetime import date
from pathlib import Path

import pytest
from cast import BAIBUA, CHILDREN, KONG, MALI, NUNG, THUNG_NA
from school_files import (
    BORN,
    NUMBERS,
    csv_file,
    dmc,
    dmc_row,
    marks,
    only,
    roll_book,
    rows,
    schools,
    settings,
    sgs,
    sgs_row,
    take,
    xlsx_bytes,
)

import register.draft
from raksa.demo_files import DMC_HEADERS
from raksa.errors import RaksaError
from register.draft import draft
from register.mapping import parse

JUNE = date(2024, 6, 10)
# Every header of the DMC list under another name, most of them names no format knows.
OTHER_NAMES = {
    "รหัสโรงเรียน": "รร.", "ชื่อโรงเรียน": "สถานที่เรียน", "ชั้น": "เรียนอยู่", "ห้อง": "ห้องเรียน", "เพศ": "ช/ญ", "คำนำหน้าชื่อ": "คน.",
    "ชื่อ": "เรียกว่า", "นามสกุล": "วงศ์", "วันเกิด": "เกิด", "น้ำหนัก": "น้ำหนัก (กก.)", "ส่วนสูง": "ส่วนสูง (ซม.)", "ศาสนา": "ศาสนา",
}  # fmt: skip


def number(child) -> str:
    return NUMBERS[child.learner_id]


def drafted(tmp_path: Path, file: Path) -> tuple[str, Path]:
    text = draft(file, settings(tmp_path))
    path = tmp_path / "draft.toml"
    path.write_text(text, encoding="utf-8")
    return text, path


def read_with(tmp_path: Path, mapping: Path, *files: Path, before: tuple[Path, ...] = (), **more):
    """The files read with the draft, after the lists they need; nothing may be refused or left out."""
    home = tmp_path / "home"
    take(home, schools(tmp_path), *before)
    store, report = take(home, *files, mapping=mapping, **more)
    file = only(report)
    assert (file.refused_whole, file.refused, file.kept) == (None, {}, file.rows)
    return store, file


def test_a_pupil_list_with_renamed_headers_is_drafted_and_read(tmp_path):
    header = [OTHER_NAMES.get(h, h) for h in DMC_HEADERS]
    header[2], header[5] = "หมายเลข", "เลขประจำตัว นร."
    file = tmp_path / "list.xlsx"
    title = ["ข้อมูล ณ วันที่ 10 มิถุนายน 2567"]
    children = (MALI, KONG, BAIBUA, NUNG)
    file.write_bytes(xlsx_bytes([title, [], header, *(dmc_row(c, ศาสนา="พุทธ") for c in children)]))
    text, mapping = drafted(tmp_path, file)
    store, report = read_with(tmp_path, mapping, file)
    assert report.warnings == {}
    expected, _ = take(tmp_path / "dmc", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(c) for c in children]))
    columns = {
        "enrolment": ("learner_id", "school_id", "academic_year", "listed_on", "term", "grade", "room", "status",
                      "student_number"),
        "learner": ("learner_id", "known_on", "sex", "birth_date"),
        "identity": ("learner_id", "id_number", "prefix", "first_name", "last_name"),
        "growth": ("learner_id", "measured_on", "weight_kg", "height_cm"),
    }  # fmt: skip
    for table, names in columns.items():
        assert rows(store, table, *names) == rows(expected, table, *names), table
    # Religion is section-26 data: drafted, but not read until a person says so.
    assert store.read("sensitive").num_rows == 0 and '# religion = "ศาสนา"' in text
    assert '# "หมายเลข": 13 digits or a G-code in 100 % of 4 filled cells, 100 % pass the check digit. Likely.' in text


def test_a_daily_file_with_unknown_headers_is_drafted_and_read(tmp_path):
    file = csv_file(tmp_path / "d.csv", ("unit", "who", "when", "what"), [
        (THUNG_NA, number(MALI), "16/05/2567", "มา"), (THUNG_NA, number(KONG), "16/05/2567", "ขาด"),
        (THUNG_NA, number(MALI), "17/05/2567", "มาสาย"), (THUNG_NA, number(KONG), "17/05/2567", "ลาป่วย"),
        (THUNG_NA, number(MALI), "20/05/2567", "มา"), (THUNG_NA, number(KONG), "20/05/2567", "มา"),
    ])  # fmt: skip
    text, mapping = drafted(tmp_path, file)
    lists = (dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)]),)
    store, _ = read_with(tmp_path, mapping, file, before=lists)
    assert (marks(store, "มะลิ", 5), marks(store, "ก้อง", 5)) == ("PT..P", "AS..P")
    assert '"มา" = "P"  # seen 3 times' in text


def test_a_roll_book_of_another_program_is_drafted_and_read(tmp_path):
    days = ("16/05/2567", "17/05/2567", "20/05/2567", "21/05/2567", "22/05/2567")
    lines = [(number(MALI), "มะลิ ใจดี", *"//ส/ข"), (number(KONG), "ก้อง เก่งกล้า", *"/ปล//")]
    file = roll_book(tmp_path / "r.csv", lines, days)
    text, mapping = drafted(tmp_path, file)
    lists = (dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)]),)
    store, _ = read_with(tmp_path, mapping, file, before=lists)
    assert (marks(store, "มะลิ", 7), marks(store, "ก้อง", 7)) == ("PP..TPA", "PS..LPP")
    assert 'layout = "wide"  # 5 columns are days of academic year 2567' in text
    assert "One program prints ส for absent" in text


def test_results_with_term_and_year_in_one_column_are_drafted_and_read(tmp_path):
    header = ("โรงเรียน", "เลขประจำตัวเด็ก", "วิชา", "เทอมที่เรียน", "คะแนนรวม 100", "ได้เกรด")
    lines = [
        (f"10{THUNG_NA}", number(MALI), "ค21101", "1/2567", "81.5", "4"),
        (f"10{THUNG_NA}", number(MALI), "ท21101", "1/2567", "", "มส"),
        (f"10{THUNG_NA}", number(KONG), "ค21101", "1/2567", "52", "1"),
        (f"10{THUNG_NA}", number(KONG), "ท21101", "1/2567", "66", "2.5"),
    ]
    file = csv_file(tmp_path / "r.csv", header, lines)
    _, mapping = drafted(tmp_path, file)
    lists = (dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)]),)
    store, _ = read_with(tmp_path, mapping, file, before=lists)
    assert rows(store, "result", "learner_id", "academic_year", "term", "subject", "percent", "grade") == [
        ("ก้อง", 2567, 1, "ค21101", 52.0, "1"), ("ก้อง", 2567, 1, "ท21101", 66.0, "2.5"),
        ("มะลิ", 2567, 1, "ค21101", 81.5, "4"), ("มะลิ", 2567, 1, "ท21101", None, "มส"),
    ]  # fmt: skip


def test_a_screening_with_american_dates_is_drafted_and_read(tmp_path):
    header = ("National ID Number", "Name", "Interview", "Outcome")
    lines = [
        (MALI.citizen_id, "มะลิ ใจดี", "7/16/2024", "ยากจนพิเศษ"), (KONG.citizen_id, "ก้อง เก่งกล้า", "7/4/2024", "ยากจน"),
        (BAIBUA.citizen_id, "ใบบัว น้ำใส", "7/30/2024", "ไม่ยากจน"),
    ]  # fmt: skip
    file = csv_file(tmp_path / "s.csv", header, lines)
    text, mapping = drafted(tmp_path, file)
    assert 'dates = "mdy"' in text
    lists = (dmc(tmp_path / "a.xlsx", [dmc_row(c) for c in (MALI, KONG, BAIBUA)]),)
    store, _ = read_with(tmp_path, mapping, file, before=lists)
    assert rows(store, "household", "learner_id", "surveyed_on", "known_on", "poverty_class") == [
        ("ก้อง", date(2024, 7, 4), date(2024, 8, 3), "poor"),
        ("มะลิ", date(2024, 7, 16), date(2024, 8, 15), "extremely_poor"),
        ("ใบบัว", date(2024, 7, 30), date(2024, 8, 29), "not_poor"),
    ]  # fmt: skip


def test_a_list_that_says_no_day_asks_the_person_for_it(tmp_path):
    header = ("เลขบัตรประชาชน", "ชื่อ-สกุล", "ชั้น/ห้อง", "รหัสสถานศึกษา")
    lines = [
        (MALI.citizen_id, "เด็กหญิง มะลิ ใจดี", "ม.3/1", THUNG_NA), (KONG.citizen_id, "ด.ช.ก้อง เก่งกล้า", "ม.3/1", THUNG_NA),
    ]  # fmt: skip
    file = csv_file(tmp_path / "l.csv", header, lines)
    text, mapping = drafted(tmp_path, file)
    assert 'listed_on = { given = "as_of" }' in text
    store, _ = read_with(tmp_path, mapping, file, as_of=JUNE)
    assert rows(store, "enrolment", "learner_id", "listed_on", "academic_year", "term", "grade", "room") == [
        ("ก้อง", JUNE, 2567, 1, "ม.3", "1"), ("มะลิ", JUNE, 2567, 1, "ม.3", "1"),
    ]  # fmt: skip
    assert rows(store, "identity", "prefix", "first_name", "last_name") == [
        ("เด็กชาย", "ก้อง", "เก่งกล้า"), ("เด็กหญิง", "มะลิ", "ใจดี"),
    ]  # fmt: skip


def test_words_of_codes_are_drafted_and_unknown_ones_wait_for_a_person(tmp_path):
    causes = [*["ลาออก"] * 4, "ย้ายสถานศึกษา", *["สาปสูญ"] * 2, "ไปอยู่กับยาย", *["มะลิ ใจดี"] * 2]
    lines = [(THUNG_NA, str(n), "16/08/2567", why) for n, why in enumerate(causes, start=1001)]
    file = csv_file(tmp_path / "e.csv", ("รหัสโรงเรียน", "เลขประจำตัว", "วันที่ออก", "เหตุผล"), lines)
    table = draft(file, settings(tmp_path)).partition("[codes.cause]\n")[2].partition("\n\n")[0].split("\n")
    assert table[1:] == [
        '"ลาออก" = "withdrew"  # seen 4 times', '# "สาปสูญ" = ""  # seen 2 times; not known',
        '"ย้ายสถานศึกษา" = "moved_school"  # seen once',
        "# 2 more not shown, each seen once or perhaps somebody's name or number",
    ]  # fmt: skip


def personal(child) -> list[str]:
    return [child.citizen_id, child.first_name, child.last_name, BORN[child.learner_id], number(child)]


def test_no_draft_holds_a_name_a_number_or_a_birth_date(tmp_path):
    phone, address = "0812345678", "99/123"
    said = {"บ้านเลขที่": address, "ชื่อผู้ปกครอง": "สมใจ", "ชื่อบิดา": "สมชาติ"}
    days = ("16/05/2567", "17/05/2567", "20/05/2567", "21/05/2567", "22/05/2567")
    files = [
        dmc(tmp_path / "a.xlsx", [dmc_row(c, **said) for c in CHILDREN]),
        sgs(tmp_path / "s.xls", [sgs_row(c) for c in CHILDREN]),
        roll_book(tmp_path / "r.csv", [(number(c), f"{c.first_name} {c.last_name}", *"////ก") for c in CHILDREN], days),
        csv_file(tmp_path / "p.csv", ("a", "b", "c", "d"),
                 [(c.citizen_id, c.first_name, phone, c.last_name) for c in CHILDREN]),
        # A child's name under a header of codes, thrice.
        csv_file(tmp_path / "e.csv", ("รหัสโรงเรียน", "เลขประจำตัว", "สาเหตุ", "ชื่อ"),
                 [(THUNG_NA, number(c), MALI.first_name, c.first_name) for c in CHILDREN]),
    ]  # fmt: skip
    for file in files:
        text = draft(file, settings(tmp_path))
        # 1101 and the like may not stand as a number of their own; a digest or a share may hold the digits.
        held = [w for c in CHILDREN for w in personal(c) if re.search(rf"(?<![\w.]){re.escape(w)}(?![\w.])", text)]
        assert [*held, *(w for w in (phone, address, "สมใจ", "สมชาติ") if w in text)] == [], file.name


GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.*"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda f: f.name)
def test_every_agencys_file_is_drafted_or_told_what_is_missing(tmp_path, file):
    text = draft(file, settings(tmp_path))
    assert not re.search(r"\d{13}|G\d{12}", text)
    if text.startswith("# ยังใช้ไม่ได้"):
        assert "# ยังขาด / Missing: " in text
    else:
        parse(text, "draft")


def test_a_list_that_names_no_school_asks_the_person_for_it(tmp_path):
    lines = [
        ["ข้อมูล ณ วันที่ 10/06/2567"],
        ["เลขประจำตัวนักเรียน", "ชื่อ", "ชั้น"],
        [number(MALI), "มะลิ", "ม.3"],
        [number(KONG), "ก้อง", "ม.3"],
    ]
    file = tmp_path / "l.xlsx"
    file.write_bytes(xlsx_bytes(lines))
    text, mapping = drafted(tmp_path, file)
    assert 'school_id = { given = "school" }' in text
    store, _ = read_with(tmp_path, mapping, file, school=THUNG_NA)
    assert rows(store, "enrolment", "learner_id", "school_id", "student_number") == [
        ("ก้อง", THUNG_NA, number(KONG)), ("มะลิ", THUNG_NA, number(MALI)),
    ]  # fmt: skip


def test_a_draft_that_does_not_load_begins_with_what_is_missing(tmp_path):
    lines = [(c.citizen_id, "ว่ายน้ำ") for c in CHILDREN]
    text = draft(csv_file(tmp_path / "h.csv", ("เลขประจำตัวประชาชน", "งานอดิเรก"), lines), settings(tmp_path))
    first = "# ยังใช้ไม่ได้ / This draft does not load yet. draft: feeds nothing; add a [[table]] or [roll]."
    assert text.split("\n")[0] == first
    assert "# ยังขาด / Missing: what the file says of a child" in text
    lines = [("10000001", "ม.3", "ลาออก"), ("10000001", "ม.3", "ย้ายสถานศึกษา"), ("10000002", "ม.1", "ลาออก")]
    text = draft(csv_file(tmp_path / "n.csv", ("รหัสโรงเรียน", "ชั้น", "สาเหตุ"), lines), settings(tmp_path))
    assert "# ยังขาด / Missing: who a row is about: no column of citizen ids or school numbers." in text


def test_an_income_is_not_taken_for_a_childs_number(tmp_path):
    header = ("รหัสสถานศึกษา", "เลขบัตรประชาชน", "สำรวจ", "ผล", "บาท")
    classes = ["ยากจน", "ยากจนพิเศษ"] * 3 + ["ไม่ยากจน"]
    lines = [
        (THUNG_NA, c.citizen_id, "16/07/2567", why, str(1_000 + 37 * n))
        for n, (c, why) in enumerate(zip(CHILDREN, classes, strict=True))
    ]
    text, _ = drafted(tmp_path, csv_file(tmp_path / "s.csv", header, lines))
    assert '# number = "บาท"' in text
    assert parse(text, "draft").learner == {"citizen": ("เลขบัตรประชาชน",)}


def test_what_cannot_be_drafted_is_told_in_a_sentence(tmp_path):
    for line in ((MALI.citizen_id, "เด็กหญิงมะลิ", "ม.3"), ("นางสมศรี ใจงาม", "คณิต", "ดีมาก"), ("มะลิ", "ใจดี", "ม.3/1")):
        file = csv_file(tmp_path / "none.csv", line, [line] * 3)
        with pytest.raises(RaksaError, match=r"none\.csv has no header row that can be told from its data"):
            draft(file, settings(tmp_path))
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    with pytest.raises(RaksaError, match="is an archive"):
        draft(packed, settings(tmp_path))


def test_columns_that_are_not_placed_are_named(tmp_path):
    header = ("รหัสโรงเรียน", "เลขประจำตัว", "วันที่จำหน่าย", "สาเหตุ", "งานอดิเรก", "", "no#")
    lines = [(THUNG_NA, number(c), "16/08/2567", "ลาออก", "ว่ายน้ำ", "x", "y") for c in (MALI, KONG)]
    text = draft(csv_file(tmp_path / "e.csv", header, lines), settings(tmp_path))
    assert '# ไม่ได้ใช้ / Not placed: "งานอดิเรก"' in text
    assert "# 2 filled columns have no title (or # in it) and cannot be named in a mapping." in text


def test_only_the_first_rows_are_looked_at(tmp_path):
    header = ("รหัสโรงเรียน", "เลขประจำตัว", "วันที่จำหน่าย", "สาเหตุ")
    lines = [(THUNG_NA, f"{n}", "16/08/2567", "ลาออก" if n < 3_000 else "เสียชีวิต") for n in range(1_000, 6_000)]
    text = draft(csv_file(tmp_path / "e.csv", header, lines), settings(tmp_path))
    assert "the first 2000 rows" in text and '"ลาออก" = "withdrew"  # seen 2000 times' in text and "เสียชีวิต" not in text


def test_examples_in_docstrings_hold():
    found = doctest.testmod(register.draft)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_the_example_of_the_page_is_what_comes_out(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "mapping_a_new_file.md").read_text(encoding="utf-8")
    table = re.search(r"```csv\n(.*?)```", page, re.DOTALL)
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert table and example
    file = tmp_path / "leavers.csv"
    file.write_text(table[1], encoding="utf-8")
    assert draft(file, settings(tmp_path)) == example[1]
